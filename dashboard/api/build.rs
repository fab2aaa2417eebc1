//! Rebuilds when the web console is built: the files themselves are tracked, new ones are not.

fn main() {
    println!("cargo::rerun-if-changed=../web/dist");
    println!("cargo::rerun-if-changed=build.rs");
}
