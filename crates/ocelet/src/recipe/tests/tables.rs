//! The tables of keys, the parser and the schema know the same keys.

use serde_json::Value;

use super::super::keys::{
    FLAVOR, Key, PARAMETER, RECIPE, REMOVE, SOURCE, SOURCE_KINDS, STABILITIES, Shape, Table,
};
use super::super::*;
use super::context;

/// A recipe in which `key` of `table` has its example, and whatever else that key needs.
fn recipe_with(table: &Table, key: &Key) -> String {
    let line = |key: &Key| format!("{} = {}\n", key.name, key.example);
    let required = |table: &Table| -> String {
        table.keys.iter().filter(|other| other.required && other.name != key.name).map(line).collect()
    };
    let base = "[flavor.b]\ncommands = [\"ls\", \"sh\"]\n";
    if std::ptr::eq(table, &raw const RECIPE) {
        let flavors = if key.name == "default-flavor" { "" } else { base };
        let source = if key.name == "source" { "" } else { "[source.s]\nrootfs = \"/\"\n" };
        return format!("{}{}{source}{flavors}", line(key), required(table)).replace(base, "");
    }
    let top: String = RECIPE.keys.iter().filter(|key| key.required).map(line).collect();
    let source = "[source.s]\nrootfs = \"/\"\n[source.alpine]\napk = [\"/srv/alpine\"]\nkeys = \"alpine\"\n";
    if std::ptr::eq(table, &raw const PARAMETER) {
        let rest = if ["choices", "path", "list"].contains(&key.name) { "default = \"1\"\n" } else { "" };
        return format!("{top}{source}[parameters.p]\n{}{}{rest}", required(table), line(key));
    }
    if std::ptr::eq(table, &raw const SOURCE) {
        let (kind, keys) = SOURCE_KINDS
            .iter()
            .find(|(kind, keys)| *kind == key.name || keys.contains(&key.name))
            .unwrap_or(&SOURCE_KINDS[0]);
        let install = match key.name {
            "strip" => "install = \"/etc/\"\n",
            "install" => "",
            _ if keys.contains(&"install") => "install = \"/etc/x\"\n",
            _ if *kind == "deb" => "keys = [\"archive.gpg\"]\n",
            _ if keys.contains(&"keys") && key.name != "keys" => "keys = \"alpine\"\n",
            _ => "",
        };
        let top = if key.name == "when" { format!("{top}versions = {{ x = \"1\" }}\n") } else { top };
        let kind = SOURCE.find(kind).filter(|kind| kind.name != key.name).map(line).unwrap_or_default();
        return format!("{top}[source.s]\n{}{kind}{install}", line(key));
    }
    // A flavor, or an item of one: what can be removed is there to be removed.
    let removable = "needs = [\"kubeadm\"]\npackages = [\"less\"]\nusers = [{ name = \"ls\", uid = 1 }]\ngroups = [{ name = \"ls\", gid = 1 }]\ndirectories = [\"/ls\"]\nlinks = [{ path = \"/lls\", target = \"x\" }]\nfiles = [\"/etc/ls\"]\nrules = [\"pam\"]\n\
        env = { LS = \"\" }\nlabels = { ls = \"\" }\nannotations = { ls = \"\" }\nvolumes = [\"/ls\"]\nexposed-ports = [\"1/tcp\"]\nacknowledge-dlopen = [\"/bin/ls\"]\n";
    let own = if key.name == "commands" { "" } else { "commands = [\"x\"]\n" };
    let head =
        top.replace("flavor = { a = { commands = [\"sh\"] } }\n", "versions.kubernetes = \"1.36.4\"\n");
    let written = if std::ptr::eq(table, &raw const REMOVE) {
        format!("extends = \"b\"\nremove = {{ {} = {} }}\n", key.name, key.example)
    } else if key.name == "remove" {
        format!("extends = \"b\"\n{}", line(key))
    } else {
        line(key)
    };
    format!("{head}{source}{base}{removable}[flavor.a]\n{own}{written}")
}

fn every_key() -> impl Iterator<Item = (&'static Table, &'static Key)> {
    let tables: [&'static Table; 5] = [&RECIPE, &PARAMETER, &SOURCE, &FLAVOR, &REMOVE];
    tables.into_iter().flat_map(|table| table.keys.iter().map(move |key| (table, key)))
}

fn with_pam() -> Context {
    let mut context = context(&[]);
    context.known_rules.insert("pam".to_owned());
    context
}

/// The parser asserts in tests that it reads every key of a table and asks for no other, so it is enough that
/// each example is accepted; and that each key says something, so that the rest is not the same without it.
#[test]
fn each_key_is_accepted_and_means_something() {
    let mut examined = 0;
    for (table, key) in every_key() {
        let text = recipe_with(table, key);
        let parsed = parse(&text, &with_pam());
        let parsed = parsed.unwrap_or_else(|problems| panic!("{}\n{text}", problems.render(key.name, &text)));
        let without = text.replacen(&format!("{} = {}", key.name, key.example), "", 1);
        let same = parse(&without, &with_pam()).is_ok_and(|other| other.recipe == parsed.recipe);
        // These examples are what is true without them.
        let is_default =
            ["image", "default-flavor", "stability", "uid", "gid", "mode", "help", "choices", "when"]
                .contains(&key.name);
        assert!(!same || is_default, "{} means nothing in\n{text}", key.name);
        examined += 1;
    }
    assert!(examined > 70, "{examined}");
}

/// The items of a flavor's lists, in their long form with all of their keys.
#[test]
fn each_key_of_an_item_is_accepted() {
    for key in FLAVOR.keys {
        let Shape::Items { table, short } = key.shape else { continue };
        let members: Vec<String> =
            table.keys.iter().map(|key| format!("{} = {}", key.name, key.example)).collect();
        let own = if key.name == "commands" { "" } else { "commands = [\"sh\"]\n" };
        let head = "image = \"x\"\nplatforms = [\"linux/amd64\"]\ntag = \"x\"\nversions.x = \"1\"\nsource.s.rootfs = \"/\"\n\
            source.alpine = { apk = \"/srv/alpine\", keys = \"alpine\" }\n[flavor.a]\n";
        let text = format!("{head}{own}{} = [{{ {} }}]", key.name, members.join(", "));
        parse(&text, &with_pam()).unwrap_or_else(|problems| panic!("{}", problems.render(key.name, &text)));
        assert!(short.is_none_or(|short| table.find(short).is_some_and(|key| key.required)), "{}", key.name);
    }
}

#[test]
fn each_table_has_a_key_once_and_says_what_it_is() {
    for (table, key) in every_key() {
        assert_eq!(table.names().filter(|name| *name == key.name).count(), 1, "{}", key.name);
        assert!(key.doc.ends_with('.'), "{}: {}", key.name, key.doc);
        assert!(!key.doc.is_empty() && table.doc.ends_with('.'));
    }
    for word in STABILITIES {
        assert_eq!(Stability::from_word(word).map(Stability::as_str), Some(*word));
    }
    for (kind, keys) in SOURCE_KINDS {
        for name in keys.iter().chain([kind]) {
            assert!(SOURCE.find(name).is_some(), "{name}");
        }
    }
}

/// A small judge of the part of JSON Schema that [`schema`] speaks.
fn fits(schema: &Value, value: &Value) -> bool {
    let is_type = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64(),
        Some("boolean") => value.is_boolean(),
        Some(other) => panic!("the judge does not know {other}"),
        None => true,
    };
    let members = value.as_object().is_none_or(|members| {
        members.iter().all(|(name, member)| {
            match (&schema["properties"][name], &schema["additionalProperties"]) {
                (Value::Null, Value::Bool(false)) => false,
                (Value::Null, Value::Null) => true,
                (Value::Null, rest) => fits(rest, member),
                (property, _) => fits(property, member),
            }
        })
    });
    let required = schema["required"]
        .as_array()
        .is_none_or(|names| names.iter().all(|name| value.get(name.as_str().expect("a name")).is_some()));
    let items = value.as_array().is_none_or(|items| items.iter().all(|item| fits(&schema["items"], item)));
    let choice = schema["enum"].as_array().is_none_or(|words| words.contains(value));
    let length =
        value.as_str().is_none_or(|text| text.len() as u64 >= schema["minLength"].as_u64().unwrap_or(0));
    let bounds = value.as_i64().is_none_or(|number| {
        number >= schema["minimum"].as_i64().unwrap_or(i64::MIN)
            && number <= schema["maximum"].as_i64().unwrap_or(i64::MAX)
    });
    let count =
        |key: &str| schema[key].as_array().map(|all| all.iter().filter(|one| fits(one, value)).count());
    is_type
        && members
        && required
        && items
        && choice
        && length
        && bounds
        && count("anyOf").is_none_or(|count| count > 0)
        && count("oneOf").is_none_or(|count| count == 1)
}

fn as_json(text: &str) -> Value {
    let value: toml::Value = toml::from_str(text).expect("TOML");
    serde_json::to_value(value).expect("JSON")
}

#[test]
fn the_schema_agrees_with_the_parser() {
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["properties"]["image"]["type"], "string");
    for (table, key) in every_key() {
        let text = recipe_with(table, key);
        assert!(fits(&schema, &as_json(&text)), "{}\n{text}", key.name);
        let misspelled = text.replacen(
            &format!("{} = {}", key.name, key.example),
            &format!("{}x = {}", key.name, key.example),
            1,
        );
        assert!(!fits(&schema, &as_json(&misspelled)), "{misspelled}");
        assert!(parse(&misspelled, &with_pam()).is_err(), "{misspelled}");
    }
    for text in [
        include_str!("../../../../../recipes/host-tools.toml"),
        include_str!("../../../../../recipes/alpine-rootfs.toml"),
    ] {
        assert!(fits(&schema, &as_json(text)));
    }
}
