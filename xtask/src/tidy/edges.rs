//! Which crate may use which. The table is the architecture; a new crate or edge is written here first.

use serde_json::Value;

use super::fault::Fault;

/// The crates that each crate may use, tests apart.
#[derive(Clone, Copy, Debug)]
enum Uses {
    /// These and no others.
    Only(&'static [&'static str]),
    /// All but these.
    AllBut(&'static [&'static str]),
}

/// The edges of the house.
const EDGES: &[(&str, Uses)] = &[
    ("oarlock-model", Uses::Only(&[])),
    ("oarlock-host", Uses::Only(&[])),
    ("oarlock-plan", Uses::Only(&["oarlock-model"])),
    ("oarlock-ops", Uses::Only(&["oarlock-model", "oarlock-plan"])),
    ("oarlock-picture", Uses::Only(&["oarlock-model", "oarlock-ops"])),
    ("oarlock-sqlite", Uses::Only(&["oarlock-host", "oarlock-model", "oarlock-ops"])),
    ("oarlock-git", Uses::Only(&["oarlock-host"])),
    ("oarlock-run", Uses::Only(&["oarlock-git", "oarlock-host", "oarlock-model", "oarlock-ops", "oarlock-plan"])),
    ("oarlock-ralf", Uses::Only(&["oarlock-git", "oarlock-host", "oarlock-model", "oarlock-ops", "oarlock-plan"])),
    (
        "oarlock-client",
        Uses::Only(&["oarlock-git", "oarlock-host", "oarlock-model", "oarlock-ops", "oarlock-plan", "oarlock-ralf", "oarlock-sqlite"]),
    ),
    ("oarlock-server", Uses::Only(&["oarlock-client", "oarlock-host", "oarlock-model", "oarlock-ops"])),
    ("oarlock-integrations", Uses::Only(&["oarlock-client", "oarlock-git", "oarlock-host", "oarlock-model", "oarlock-ops"])),
    ("oarlock-python", Uses::Only(&["oarlock-deps", "oarlock-client", "oarlock-model", "oarlock-ops"])),
    // Only tests use it, so what it needs of stores reaches nobody who runs Oarlock.
    ("oarlock-testkit", Uses::Only(&["oarlock-host", "oarlock-model", "oarlock-ops", "oarlock-sqlite"])),
    ("oarlock-faultdisk", Uses::Only(&[])),
    // What comes from elsewhere, so that it is built once whatever is chosen.
    ("oarlock-deps", Uses::Only(&[])),
    ("oarlock-fuzz", Uses::AllBut(&["oarlock-deps", "xtask"])),
    // No door names a kind of store: it gets one from the client.
    (
        "oarlock",
        Uses::AllBut(&["oarlock-deps", "oarlock-faultdisk", "oarlock-fuzz", "oarlock-git", "oarlock-sqlite", "oarlock-testkit", "xtask"]),
    ),
    ("xtask", Uses::AllBut(&[])),
];

/// Crates that may use SQLite's library.
const SQLITE: &[&str] = &["oarlock-deps", "oarlock-faultdisk", "oarlock-sqlite", "oarlock-testkit", "xtask"];

/// Edges that the table does not have, by the metadata that cargo prints.
pub(super) fn faults(metadata: &Value) -> Vec<Fault> {
    let packages: Vec<&Value> = metadata["packages"].as_array().into_iter().flatten().collect();
    let name = |package: &Value| package["name"].as_str().unwrap_or_default().to_owned();
    let own: Vec<String> = packages.iter().map(|package| name(package)).collect();
    let mut faults = Vec::new();
    for package in packages {
        let user = name(package);
        let mut fault = |what: String| faults.push(Fault { file: format!("{user}/Cargo.toml"), line: 0, what });
        let uses = EDGES.iter().find(|(edge, _)| *edge == user).map(|(_, uses)| uses);
        if uses.is_none() {
            fault("the crate is not in the table of edges".into());
        }
        for used in dependencies(package) {
            if used == "rusqlite" && !SQLITE.contains(&user.as_str()) {
                fault("only stores use rusqlite".into());
            }
            let may = match uses {
                Some(Uses::Only(names)) => names.contains(&used),
                Some(Uses::AllBut(names)) => !names.contains(&used),
                None => true,
            };
            if !may && own.iter().any(|own| own == used) {
                fault(format!("it may not use {used}"));
            }
        }
    }
    faults
}

/// The names of what a package needs to be built and run; what only its tests need is left out.
fn dependencies(package: &Value) -> impl Iterator<Item = &str> {
    let all = package["dependencies"].as_array().into_iter().flatten();
    all.filter(|dependency| dependency["kind"] != "dev").filter_map(|dependency| dependency["name"].as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::workspace;

    #[test]
    fn crates_use_only_what_they_may() {
        assert_eq!(faults(&workspace::metadata().expect("cargo prints its metadata")), []);
    }

    fn check(user: &str, used: &str, kind: Value) -> usize {
        let own = ["oarlock-model", "oarlock-host", "oarlock-testkit", "oarlock-new"].map(|name| json!({"name": name, "dependencies": []}));
        let mut packages: Vec<Value> =
            own.into_iter().filter(|package| package["name"] != user && package["name"] != "oarlock-new").collect();
        packages.push(json!({"name": user, "dependencies": [{"name": used, "kind": kind}]}));
        faults(&json!({ "packages": packages })).len()
    }

    #[test]
    fn edges_outside_the_table_are_faults() {
        assert_eq!(check("oarlock-plan", "oarlock-model", Value::Null), 0);
        assert_eq!(check("oarlock-plan", "serde", Value::Null), 0);
        assert_eq!(check("oarlock-plan", "oarlock-host", Value::Null), 1);
        assert_eq!(check("oarlock-plan", "oarlock-host", json!("dev")), 0);
        assert_eq!(check("oarlock-plan", "oarlock-host", json!("build")), 1);
        assert_eq!(check("oarlock", "oarlock-testkit", Value::Null), 1);
        assert_eq!(check("oarlock", "oarlock-host", Value::Null), 0);
        assert_eq!(check("oarlock-ops", "rusqlite", Value::Null), 1);
        assert_eq!(check("oarlock-new", "serde", Value::Null), 1);
    }
}
