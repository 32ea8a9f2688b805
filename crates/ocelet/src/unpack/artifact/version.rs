//! The version of an artifact: no file says it, so it is what the recipe calls it, or what its address looks like.

use std::collections::BTreeMap;

use super::form;
use crate::recipe::Variable;

/// The value of the variable that is named like the source; else the first part of the address's path that looks like a
/// version (`v?` digits, a dot, digits, and all up to the next slash); else nothing.
pub(super) fn of(source: &str, variables: &BTreeMap<String, Variable>, location: &str) -> String {
    if let Some(variable) = variables.get(source) {
        return variable.value.clone();
    }
    let path = match location.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => location,
    };
    let last = form::file_name(location);
    for component in path.split('?').next().unwrap_or_default().split('/') {
        let component = if component == last { form::of(component).1 } else { component };
        if let Some(start) = (0..component.len()).find(|start| begins_version(component, *start)) {
            return component[start..].to_owned();
        }
    }
    String::new()
}

/// Whether `v?\d+\.\d+` stands there, and not in the middle of a number or word.
fn begins_version(text: &str, start: usize) -> bool {
    let (Some(before), Some(rest)) = (text.as_bytes().get(..start), text.as_bytes().get(start..)) else {
        return false;
    };
    if before.last().is_some_and(u8::is_ascii_alphanumeric) {
        return false;
    }
    let digits = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = rest.strip_prefix(b"v").unwrap_or(rest);
    let whole = digits(number);
    whole > 0 && number.get(whole) == Some(&b'.') && digits(&number[whole + 1..]) > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Origin;

    #[test]
    fn the_recipe_or_the_address_says_the_version() {
        let variable =
            Variable { value: "1.9.1".to_owned(), origin: Origin::Version, is_path: false, is_list: false };
        let variables = BTreeMap::from([("cni-plugins".to_owned(), variable)]);
        for (source, location, want) in [
            ("cni-plugins", "https://h/v2.0/x.tgz", "1.9.1"),
            ("kubelet", "https://dl.k8s.io/release/v1.36.4/bin/linux/amd64/kubelet", "v1.36.4"),
            ("crictl", "https://github.com/x/releases/download/v1.2.3/crictl-v1.2.3-linux.tar.gz", "v1.2.3"),
            ("runc", "https://10.20.30.40:80/runc.amd64", ""),
            ("helm", "https://get.helm.sh/helm-v3.14.0.tar.gz", "v3.14.0"),
            ("tool", "downloads/tool-1.2-beta.1.zip", "1.2-beta.1"),
            ("tool", "tool_arm64v8", ""),
            ("tool", "x86_64/tool-2", ""),
            ("tool", "https://h/tool?v=1.2", ""),
            ("tool", "ü1.2", "1.2"),
        ] {
            assert_eq!(of(source, &variables, location), want, "{location}");
        }
    }
}
