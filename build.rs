//! Puts the git revision into the binary, so that every record and report says which program made
//! it. With the feature `cuda`: makes PTX of the kernels by `nvcc`, for every card from sm_80 on.

use std::path::Path;
use std::process::Command;

const KERNELS: &str = "src/model/gpu/kernels.cu";

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(arguments)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn main() {
    println!("cargo::rerun-if-env-changed=PARALLOT_REVISION");
    // a copy without its history is told
    let told = std::env::var("PARALLOT_REVISION").ok();
    let revision = told
        .or_else(|| git(&["rev-parse", "--short=10", "HEAD"]))
        .unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=PARALLOT_REVISION={revision}");
    // HEAD and the branch that it names: a new commit rebuilds, an edit does not
    for path in
        ["HEAD", "logs/HEAD"].iter().filter_map(|name| git(&["rev-parse", "--git-path", name]))
    {
        println!("cargo::rerun-if-changed={path}");
    }
    if std::env::var_os("CARGO_FEATURE_CUDA").is_some() {
        compile_kernels();
    }
}

fn compile_kernels() {
    println!("cargo::rerun-if-changed=src/model/gpu");
    println!("cargo::rerun-if-env-changed=NVCC");
    let out = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let nvcc = std::env::var("NVCC").unwrap_or_else(|_| "nvcc".to_owned());
    let mut command = Command::new(&nvcc);
    command
        .args(["-ptx", "-O3", "-arch=compute_80", KERNELS, "-o"])
        .arg(Path::new(&out).join("kernels.ptx"));
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("`{nvcc}` on {KERNELS}: {status}"),
        Err(error) => panic!(
            "`{nvcc}`: {error}; the feature `cuda` needs the CUDA toolkit, and NVCC may name its \
            compiler"
        ),
    }
}
