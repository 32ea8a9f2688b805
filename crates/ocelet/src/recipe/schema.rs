//! The JSON schema of a recipe, for editors: the tables of [`super::keys`] in the words of JSON Schema 2020-12.
//!
//! It says what a single value may be. What needs the whole recipe — names that must exist, templates — only the
//! parser can say.

use serde_json::{Map, Value, json};

use super::keys::{Key, RECIPE, SOURCE, SOURCE_KINDS, Shape, Table};

/// The schema of a recipe as JSON.
pub fn schema() -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ocelet recipe",
    });
    if let (Value::Object(schema), Value::Object(table)) = (&mut schema, table(&RECIPE)) {
        schema.extend(table);
    }
    schema
}

fn table(table: &Table) -> Value {
    let properties: Map<String, Value> =
        table.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let mut value = json!({
        "type": "object",
        "description": table.doc,
        "properties": properties,
        "additionalProperties": false,
    });
    let required: Vec<&str> = table.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    if !required.is_empty() {
        value["required"] = json!(required);
    }
    if std::ptr::eq(table, &raw const SOURCE) {
        let kinds = SOURCE_KINDS.iter().map(|(kind, _)| json!({ "required": [kind] }));
        value["oneOf"] = kinds.collect();
    }
    value
}

fn property(key: &Key) -> Value {
    let mut value = shape(key.shape);
    value["description"] = json!(key.doc);
    value
}

fn shape(shape: Shape) -> Value {
    let text = || json!({ "type": "string", "minLength": 1 });
    let text_map = || json!({ "type": "object", "additionalProperties": { "type": "string" } });
    match shape {
        Shape::Text => text(),
        Shape::AnyText => json!({ "type": "string" }),
        Shape::Choice(words) => json!({ "type": "string", "enum": words }),
        Shape::Integer(most) => json!({ "type": "integer", "minimum": 0, "maximum": most }),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Texts => json!({ "type": "array", "items": text() }),
        Shape::TextOrTexts => json!({ "anyOf": [text(), { "type": "array", "items": text() }] }),
        Shape::Table(keys) => table(keys),
        Shape::Tables(keys) => json!({ "type": "object", "additionalProperties": table(keys) }),
        Shape::TextMap => text_map(),
        Shape::TextOrTextMap => json!({ "anyOf": [text(), text_map()] }),
        Shape::ChoiceOrTexts(words) => {
            json!({ "anyOf": [{ "type": "string", "enum": words }, { "type": "array", "items": text() }] })
        }
        Shape::Choices { words, table: keys } => {
            json!({ "anyOf": [{ "type": "boolean" }, { "type": "string", "enum": words }, table(keys)] })
        }
        Shape::TemplateOrTexts(words) => json!({ "anyOf": [
            { "type": "string", "enum": words },
            { "type": "string", "pattern": "\\{" },
            { "type": "array", "items": text() },
        ] }),
        Shape::Items { table: keys, short: None } => json!({ "type": "array", "items": table(keys) }),
        Shape::Items { table: keys, short: Some(_) } => {
            json!({ "type": "array", "items": { "anyOf": [text(), table(keys)] } })
        }
    }
}
