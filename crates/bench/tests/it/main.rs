//! The benchmarks run, lose nothing, and write what they say; how fast is not looked at here.

use std::process::Command;

use serde_json::Value;

#[test]
fn a_quick_run_loses_nothing_and_gives_a_table_and_json() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("figures.json");
    let run = Command::new(env!("CARGO_BIN_EXE_diario-bench"))
        .args(["--quick", "--pairs", "1", "s1", "open", "search", "--json"])
        .arg(&json)
        .arg("--data")
        .arg(folder.path().join("data"))
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let report: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    assert!(report["machine"]["fdatasync_us"].as_f64().unwrap() > 0.0);
    let figure = |scenario: &str, name: &str| {
        let mut figures = report["figures"].as_array().unwrap().iter();
        let found = figures.find(|f| f["scenario"] == scenario && f["name"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {report:#}")).clone()
    };
    let value = |scenario: &str, name: &str| figure(scenario, name)["value"].as_f64().unwrap();
    assert!(value("S1", "messages a second") > 0.0);
    assert!(figure("S1", "messages a second")["bar"]["limit"].is_f64());
    assert!(value("S1", "messages in all") > 0.0);
    for none in ["deliveries lost", "gaps in diaries and logs", "transactions without a timed commit"] {
        assert!(value("S1", none).abs() < 2.0, "{none}: {}", value("S1", none));
    }
    assert_eq!(figure("S1", "deliveries lost")["met"], true);
    assert!(value("open", "messages") >= 512.0);
    assert!(value("open", "a message, 256 in a transaction") > 0.0);
    assert!(value("search", "a frequent word, p99") > 0.0);
    let table = String::from_utf8(run.stdout).unwrap();
    assert!(table.contains("messages a second") && table.contains("measured elsewhere"), "{table}");
}

#[test]
fn a_quick_run_shows_what_costs_grow_with_and_draws_it() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("figures.json");
    let pictures = folder.path().join("pictures");
    let bench = |more: &[&std::ffi::OsStr]| {
        Command::new(env!("CARGO_BIN_EXE_diario-bench"))
            .args(["--quick", "--pairs", "1", "--data"])
            .arg(folder.path().join("data"))
            .args(more)
            .output()
            .unwrap()
    };
    let all = ["members", "devices", "history", "linking", "load", "--json"].map(std::ffi::OsStr::new);
    let run = bench(&[&all[..], &[json.as_ref(), "--pictures".as_ref(), pictures.as_ref()]].concat());
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let report: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    for scenario in ["members", "devices", "history", "linking", "load"] {
        let mut figures = report["figures"].as_array().unwrap().iter();
        assert!(figures.any(|f| f["scenario"] == scenario && f["unit"] != ""), "{scenario}: {report:#}");
    }
    assert!(report["machine"]["sign_us"].as_f64().unwrap() > 0.0);
    assert!(report["machine"]["revision"].is_string());
    let picture = std::fs::read_to_string(pictures.join("latency-load.svg")).unwrap();
    assert!(picture.contains("messages a second") && picture.contains("p99"), "{picture}");

    let again = ["linking", "--tolerance", "100000", "--compare"].map(std::ffi::OsStr::new);
    let run = bench(&[&again[..], &[json.as_ref()]].concat());
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(String::from_utf8(run.stdout).unwrap().contains("ratio"));
}
