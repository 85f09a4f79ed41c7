//! Looking for messages.

use crate::harness::World;

#[test]
fn messages_are_found_without_a_server() {
    let mut world = World::new();
    let giulia = world.register("giulia");
    let bo = world.register("bo");
    giulia.ok(&["send", "bo", "Perché non un caffè?"]);
    giulia.ok(&["send", "self", "comprare il caffè"]);
    bo.ok(&["sync"]);
    bo.ok(&["send", "giulia", "Caffettiera pronta ☕"]);
    giulia.ok(&["sync"]);
    world.server.kill();

    let texts = |args: &[&str]| {
        let mut found = giulia.ok(&[&["search"], args].concat());
        let searched = found.pop().unwrap();
        let texts: Vec<_> = found.iter().map(|m| m["text"].as_str().unwrap().to_owned()).collect();
        assert_eq!(searched["searched"]["found"], texts.len());
        assert_eq!(
            (&searched["searched"]["more"], &searched["searched"]["incomplete"]),
            (&false.into(), &0.into())
        );
        texts
    };
    let (one, two, three) = ("Perché non un caffè?", "comprare il caffè", "Caffettiera pronta ☕");
    assert_eq!(texts(&["caff"]), [three, two, one]);
    assert_eq!(texts(&["\"CAFFE\"", "perche"]), [one]);
    assert_eq!(texts(&["caff", "--in", "bo"]), [three, one]);
    assert_eq!(texts(&["caff", "--from", "giulia"]), [two, one]);
    assert_eq!(texts(&["☕", "--since", "2024"]), [three]);
    assert_eq!(texts(&["caff", "--until", "2024-01"]), Vec::<String>::new());

    let found = giulia.ok(&["search", "caffe", "--in", "self"]);
    assert_eq!(found[0]["places"], serde_json::json!([[12, 17]]), "in characters");
    let first = giulia.ok(&["search", "caff", "-n", "1"]);
    assert_eq!(first.last().unwrap()["searched"]["more"], true);
    giulia.fails(2, &["search", "caff", "--since", "yesterday"]);
    let run = giulia.text(&["search", "caffe"]);
    assert!(
        run.stdout.contains("giulia → Notes to self") && run.stdout.contains("comprare il caffè"),
        "{}",
        run.stdout
    );
    let run = giulia.text(&["search", "AND", "*"]);
    assert!(run.code == 0 && run.stderr.contains("nothing was found"), "{}", run.stderr);
}
