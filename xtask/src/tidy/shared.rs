//! `oarlock-deps` has all that comes from elsewhere, and the tests of every crate have it: so whatever packages are chosen, what
//! comes from elsewhere has the same features and is built once.

use serde_json::Value;

use super::fault::Fault;

/// The crate that is nothing but these dependencies.
const SHARED: &str = "oarlock-deps";

/// The dependencies that only one crate has, for a purpose that asks for a build of its own.
const ALONE: &[&str] = &["libfuzzer-sys"];

/// Crates from elsewhere that are not shared, and crates that do not share, by the metadata that cargo prints.
pub(super) fn faults(metadata: &Value) -> Vec<Fault> {
    let packages: Vec<&Value> = metadata["packages"].as_array().into_iter().flatten().collect();
    let (shared, users): (Vec<&Value>, Vec<&Value>) = packages.into_iter().partition(|package| package["name"] == SHARED);
    let shared: Vec<&Value> = shared.into_iter().flat_map(dependencies).map(|dependency| &dependency["name"]).collect();
    let mut faults = Vec::new();
    for user in users {
        let mut fault = |what: String| {
            let file = format!("{}/Cargo.toml", user["name"].as_str().unwrap_or_default());
            faults.push(Fault { file, line: 0, what });
        };
        if !dependencies(user).any(|dependency| dependency["name"] == SHARED) {
            fault(format!("its tests do not depend on {SHARED}: they would build what comes from elsewhere once more"));
        }
        let is_here = |dependency: &&Value| dependency["target"].is_null() || dependency["target"] == "cfg(unix)";
        for dependency in dependencies(user).filter(|dependency| !dependency["source"].is_null()).filter(is_here) {
            let name = dependency["name"].as_str().unwrap_or_default();
            if !shared.contains(&&dependency["name"]) && !ALONE.contains(&name) {
                fault(format!("{name} is missing in {SHARED}"));
            }
        }
    }
    faults
}

fn dependencies(package: &Value) -> impl Iterator<Item = &Value> {
    package["dependencies"].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::workspace;

    #[test]
    fn what_comes_from_elsewhere_is_shared() {
        assert_eq!(faults(&workspace::metadata().expect("cargo prints its metadata")), []);
    }

    #[test]
    fn what_is_not_shared_is_a_fault() {
        let elsewhere = |name: &str, target: Value| json!({"name": name, "source": "registry", "target": target});
        let with = |dependencies: Value| {
            let shared = json!({"name": SHARED, "dependencies": [elsewhere("serde", Value::Null)]});
            faults(&json!({"packages": [shared, {"name": "user", "dependencies": dependencies}]})).len()
        };
        let here = json!({"name": SHARED, "source": null, "target": null});
        assert_eq!(with(json!([here, elsewhere("serde", Value::Null)])), 0);
        assert_eq!(with(json!([elsewhere("serde", Value::Null)])), 1);
        assert_eq!(with(json!([here, elsewhere("tokio", json!("cfg(unix)"))])), 1);
        assert_eq!(with(json!([here, elsewhere("windows-sys", json!("cfg(windows)"))])), 0);
    }
}
