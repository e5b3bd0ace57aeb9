//! What Cargo.toml draws in: nothing for the product, one crate for the tests.

use super::{read, root};

/// The names of what Cargo.toml draws in under a heading that ends with `kind`.
fn drawn_in<'a>(manifest: &'a str, kind: &str) -> Vec<&'a str> {
    let mut heading = "";
    let mut names = Vec::new();
    for line in manifest.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(inner) = line.strip_prefix('[') {
            heading = inner.trim_end_matches(']');
            // `[dependencies.name]`
            names.extend(heading.strip_prefix(kind).and_then(|rest| rest.strip_prefix('.')));
        } else if heading == kind || heading.ends_with(&format!(".{kind}")) {
            names.extend(line.split(['=', '.', ' ']).next());
        }
    }
    names
}

#[test]
fn the_product_depends_on_nothing() {
    let manifest = read("Cargo.toml");
    assert!(manifest.contains("\n[dependencies]\n"));
    assert_eq!(drawn_in(&manifest, "dependencies"), [""; 0]);
    assert_eq!(drawn_in(&manifest, "build-dependencies"), [""; 0]);
    assert_eq!(drawn_in(&manifest, "dev-dependencies"), ["assert_cmd"]);
    assert!(!root().join("build.rs").exists());
}

#[test]
fn what_is_drawn_in_is_found_in_every_form() {
    for (manifest, names) in [
        ("[dependencies]\n# none\n\n[x]\na = 1", &[][..]),
        ("[dependencies]\na = \"1\"\nb.path = \"x\"", &["a", "b"]),
        ("[dependencies.a]\nversion = \"1\"", &["a"]),
        ("[target.'cfg(unix)'.dependencies]\na = \"1\"", &["a"]),
        ("[workspace.dependencies]\na={}", &["a"]),
        ("[dev-dependencies]\na = \"1\"", &[]),
    ] {
        assert_eq!(drawn_in(manifest, "dependencies"), names, "{manifest}");
    }
}
