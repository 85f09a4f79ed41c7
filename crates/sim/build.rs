//! Compiles what stands in for a few functions of the C library.

fn main() {
    println!("cargo:rerun-if-changed=src/os/os.c");
    cc::Build::new().file("src/os/os.c").warnings_into_errors(true).compile("diario_sim_os");
}
