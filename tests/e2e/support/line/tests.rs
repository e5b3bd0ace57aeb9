//! That lines are accepted as they should be, and what differs by little is not.

use super::*;

const HEAD: &str = "[2025-11-13 10:30:00] [NODE:node-1] ";

/// Lines as the issue shows them, and the rest of what there is.
const LINES: [&str; 33] = [
    "[TCP] SUCCESS latency=0.412ms connect=0.210ms echo=0.202ms",
    "[TCP] SUCCESS latency=0.412ms",
    "[TCP] SUCCESS latency=0.412ms connect=0.210ms echo=0.202ms retrans=1 address=cached",
    "[TCP] SUCCESS latency=0.412ms connect=0.210ms echo=0.202ms retrans=2 address=[::1]:8080 \
     failed=10.0.0.1:8080/refused,10.0.0.2:8080/timeout suspect=late",
    "[UDP] SUCCESS latency=0.298ms",
    "[HTTP] SUCCESS latency=0.612ms connect=0.210ms ttfb=0.350ms pod=server-abc seen_as=10.0.0.9:4711",
    "[HTTP] FAILED error=timeout phase=connect address=10.0.0.1:8082 failures=3 since=2025-11-13T10:29:30Z",
    "[HTTP] FAILED error=http_503 phase=receive address=10.0.0.1:8082 failures=1 since=2025-11-13T10:29:30Z \
     retrans=2",
    "[TCP] FAILED error=io phase=connect address=10.0.0.1:80 failures=1 since=2025-11-13T10:29:30Z \
     detail=\"no \\\"such\\\" thing\" retrans=1 suspect=local",
    "[UDP] FAILED error=dns_not_found phase=resolve name=smoker-server failures=1 since=2025-11-13T10:30:30Z",
    "[UDP] FAILED error=timeout phase=receive address=cached failures=1 since=2025-11-13T10:30:30Z",
    "[DNS] SUCCESS latency=0.812ms name=smoker-server.smoker.svc.cluster.local \
     addresses=10.96.0.12,10.96.0.13 resolver=10.96.0.10",
    "[DNS] SUCCESS latency=0.012ms name=smoker-server addresses=fd00::1 resolver=hosts",
    "[DNS] FAILED error=dns_timeout phase=resolve name=smoker-server failures=1 since=2025-11-13T10:30:30Z \
     cached=10.96.0.12",
    "[UDP_SERIES] SUCCESS latency=0.298ms sent=16 lost=3 lost_forward=1 lost_return=1 \
     duplicate=0 reordered=0 late=0 jitter=0.031ms min=0.201ms p99=0.512ms dead_flows=0 lost_unknown=1",
    "[UDP_SERIES] FAILED error=timeout phase=receive address=10.96.0.12:8081 failures=1 \
     since=2025-11-13T10:30:30Z sent=16 lost=16 lost_forward=0 lost_return=0 duplicate=0 \
     reordered=0 late=0 lost_unknown=16",
    "[UDP_SERIES] FAILED error=io phase=connect address=10.96.0.12:8081 failures=1 \
     since=2025-11-13T10:30:30Z detail=\"x\"",
    "[MTU] SUCCESS mtu=1500 interface=1500",
    "[MTU] SUCCESS mtu=1400 interface=1500 told_by=10.0.0.1",
    "[MTU] SUCCESS body=65536",
    "[MTU] FAILED error=black_hole mtu=1400 interface=1500 direction=forward failures=1 \
     since=2025-11-13T10:30:30Z address=10.96.0.12",
    "[MTU] UNMEASURED error=timeout phase=receive address=10.0.0.1",
    "[ENDPOINT] SUCCESS latency=0.310ms address=10.244.1.7 pod=server-abc connect=0.110ms ttfb=0.120ms \
     instance=changed",
    "[ENDPOINT] FAILED error=timeout phase=connect address=10.244.1.7:8082 failures=1 \
     since=2025-11-13T10:30:30Z protocol=http excused=draining",
    "[VERDICT] healthy evidence=tcp:ok,udp:ok,http:ok,dns:ok",
    "[VERDICT] service detail=\"10.96.0.12:8080 times out, 2 of 2 replicas answer directly\" \
     evidence=tcp:timeout,endpoint:2/2,dns:ok since=2025-11-13T10:30:30Z",
    "[VERDICT] transient detail=\"tcp timeout failed once\" evidence=tcp:timeout/0of4",
    "[VERDICT] healthy after=330s was=service",
    "[SUMMARY] TCP count=10 failures=1 min=0.201ms p50=0.298ms p90=0.300ms p99=0.301ms max=0.301ms \
     jitter=0.031ms",
    "[SUMMARY] UDP_SERIES count=10 failures=10",
    "[CLIENT] OVERRUN skipped=3",
    "[EXPORTER] LISTENING address=[::]:6100",
    "[MTU] FAILED error=black_hole direction=return failures=1 since=2025-11-13T10:30:30Z address=10.0.0.1 \
     suspect=throttled",
];

fn accepts(rest: &str) -> bool {
    parse(&format!("{HEAD}{rest}")).is_some()
}

#[test]
fn every_kind_of_line_is_accepted() {
    for line in LINES {
        assert!(accepts(line), "{line}");
    }
    let line = Line::of(&format!("{HEAD}{}", LINES[3]));
    assert_eq!((line.brief(), line.count("retrans"), line.get("pod")), ("TCP SUCCESS".into(), 2, None));
    assert!((line.ms("echo") - 0.202).abs() < f64::EPSILON);
    assert_eq!(line.list("failed"), ["10.0.0.1:8080/refused", "10.0.0.2:8080/timeout"]);
    let line = Line::of(&format!("{HEAD}{}", LINES[6]));
    assert_eq!((line.brief(), line.row()), ("HTTP timeout connect".into(), (3, "2025-11-13T10:29:30Z")));
    assert_eq!((line.moment(), &*line.node), ("2025-11-13T10:30:00Z".into(), "node-1"));
    let line = Line::of(&format!("{HEAD}{}", LINES[20]));
    assert_eq!((line.brief(), line.is_probe()), ("MTU black_hole".into(), false));
}

/// Each field is where it is, is there if it has to be, and no other is.
#[test]
fn no_field_may_move_or_double_or_be_a_stranger() {
    for line in LINES {
        let words: Vec<&str> = words(line);
        for at in 2..words.len() {
            let mut doubled = words.clone();
            doubled.insert(at, words[at]);
            assert!(!accepts(&doubled.join(" ")), "{doubled:?}");
            let mut moved = words.clone();
            moved.swap(at - 1, at);
            assert!(!accepts(&moved.join(" ")), "{moved:?}");
            let mut strange = words.clone();
            strange.insert(at, "colour=red");
            assert!(!accepts(&strange.join(" ")), "{strange:?}");
        }
        for wrong in [format!("{line} "), format!(" {line}"), line.replacen(' ', "  ", 1) + " "] {
            assert!(!accepts(&wrong), "{wrong:?}");
        }
    }
}

/// The words of a line; a text in quotes is one.
fn words(line: &str) -> Vec<&str> {
    let mut quoted = false;
    line.split(|character| {
        quoted ^= character == '"';
        character == ' ' && !quoted
    })
    .collect()
}

#[test]
fn what_differs_by_little_is_refused() {
    for (line, part, instead) in [
        (LINES[0], "TCP", "tcp"),
        (LINES[0], "SUCCESS", "Success"),
        (LINES[0], "0.412ms", "0.41ms"),
        (LINES[0], "0.412ms", "00.412ms"),
        (LINES[0], "0.412ms", "0.412"),
        (LINES[0], "0.412ms", "-0.412ms"),
        (LINES[0], "0.412ms", "0.41ems"),
        (LINES[0], "0.202ms", "0.302ms"),
        (LINES[0], " echo=0.202ms", ""),
        (LINES[0], "echo", "ttfb"),
        (LINES[0], "[TCP]", "[UDP]"),
        (LINES[2], "retrans=1", "retrans=0"),
        (LINES[2], "retrans=1", "retrans=01"),
        (LINES[2], "cached", "learned"),
        (LINES[3], "address=[::1]:8080 ", ""),
        (LINES[3], "/timeout", "/slow"),
        (LINES[3], "suspect=late", "suspect=slow"),
        (LINES[6], "timeout", "slow"),
        (LINES[6], "timeout", "http_9"),
        (LINES[6], "timeout", "dns_timeout"),
        (LINES[6], "timeout", "io"),
        (LINES[6], "timeout", "black_hole"),
        (LINES[6], "phase=connect ", ""),
        (LINES[6], "phase=connect", "phase=resolve"),
        (LINES[6], "phase=connect", "phase=latency"),
        (LINES[6], "phase=", "latency=0.412ms phase="),
        (LINES[6], "address=10.0.0.1:8082 ", ""),
        (LINES[6], ":8082", ""),
        (LINES[6], "failures=3", "failures=0"),
        (LINES[6], "failures=3 ", ""),
        (LINES[6], "T10:29:30Z", " 10:29:30"),
        (LINES[6], "30Z", "30Z detail=\"x\""),
        (LINES[8], "\"no \\\"such\\\" thing\"", "x"),
        (LINES[8], "\\\"such\\\"", "\"such\""),
        (LINES[8], "such", "\u{1b}"),
        (LINES[9], "name=smoker-server", "address=10.0.0.1:8081"),
        (LINES[9], "phase=resolve", "phase=connect"),
        (LINES[11], "resolver=10.96.0.10", "resolver=10.96.0.10:53"),
        (LINES[11], ",10.96.0.13", ","),
        (LINES[14], "lost=3", "lost=4"),
        (LINES[14], "sent=16", "sent=3"),
        (LINES[14], "min=0.201ms", "min=0.299ms"),
        (LINES[15], "lost=16", "lost=15"),
        (LINES[18], "mtu=1400", "mtu=1501"),
        (LINES[18], " interface=1500", ""),
        (LINES[18], "interface=1500", "interface=1500 body=65536"),
        (LINES[19], " body=65536", ""),
        (LINES[20], "mtu=1400", "mtu=1500"),
        (LINES[20], "direction=forward", "direction=both"),
        (LINES[21], "address=10.0.0.1", "address=10.0.0.1:80"),
        (LINES[23], "protocol=http ", ""),
        (LINES[24], "tcp:ok", "tcp"),
        (LINES[24], "tcp:ok", "icmp:ok"),
        (LINES[24], "healthy", "ill"),
        (LINES[24], "healthy", "transient"),
        (LINES[25], " since=2025-11-13T10:30:30Z", ""),
        (LINES[26], "transient", "loss"),
        (LINES[27], "after=330s ", ""),
        (LINES[27], "330s", "330ms"),
        (LINES[27], "was=service", "was=healthy"),
        (LINES[27], "after", "evidence=tcp:ok after"),
        (LINES[28], "p50=0.298ms", "p50=0.200ms"),
        (LINES[28], "failures=1", "failures=11"),
        (LINES[28], " jitter=0.031ms", ""),
        (LINES[28], "TCP", "VERDICT"),
        (LINES[30], "skipped=3", "skipped=0"),
    ] {
        assert!(line.contains(part), "{part:?} is not in {line:?}");
        assert!(!accepts(&line.replace(part, instead)), "{line:?} with {instead:?} for {part:?}");
    }
    for (part, instead) in [
        ("[2025", "2025"),
        ("11-13 ", "11-13T"),
        ("10:30:00]", "10:30:00Z]"),
        ("NODE:node-1", "NODE:"),
        ("node-1", "no de"),
        ("NODE:", "SERVER:"),
    ] {
        assert_eq!(parse(&(HEAD.replace(part, instead) + LINES[0])), None, "{instead}");
    }
}

const JSON_HEAD: &str = r#"{"time":"2025-11-13T10:30:00Z","speaker":"client","node":"node-1","kind":"#;
const JSON: &str =
    r#""VERDICT","event":"loss","detail":"5% of \"256\"","evidence":["tcp:ok","mtu:1of2"],"since":"#;

#[test]
fn json_is_the_same_line() {
    let text = "[VERDICT] loss detail=\"5% of \\\"256\\\"\" evidence=tcp:ok,mtu:1of2 \
                since=2025-11-13T10:30:00Z";
    let verdict = format!("{JSON_HEAD}{JSON}\"2025-11-13T10:30:00Z\"}}");
    assert_eq!(Line::of_json(&verdict), Line::of(&format!("{HEAD}{text}")));
    let tcp = r#""TCP","event":"SUCCESS","latency_ms":0.412,"connect_ms":0.210,"echo_ms":0.200}"#;
    let tcp = format!("{JSON_HEAD}{tcp}");
    assert_eq!(Line::of_json(&tcp), Line::of(&format!("{HEAD}{}", LINES[0].replace("0.202", "0.200"))));
    for (part, instead) in [
        ("0.412", "\"0.412\""),
        ("0.412", "0.4"),
        ("0.412", "00.412"),
        ("0.412", "0.412ms"),
        ("latency_ms", "latency"),
        ("client", "server"),
        ("TCP", "tcp"),
        ("}", ",}"),
        ("}", "} "),
        ("}", ",\"cut\":true}"),
        (",\"latency_ms\":0.412", ""),
        ("\"kind\"", "\"Kind\""),
        ("\"node\":\"node-1\",", ""),
        (",\"echo", ", \"echo"),
        ("echo_ms", "connect_ms"),
    ] {
        assert_eq!(json::parse(&tcp.replace(part, instead)), None, "{instead}");
    }
    for (part, instead) in [
        ("[\"tcp:ok\",\"mtu:1of2\"]", "\"tcp:ok,mtu:1of2\""),
        ("\\\"", "\""),
        ("\"loss\"", "\"healthy\""),
        ("\"since\":\"", "\"since\":1,\"x\":\""),
    ] {
        assert_eq!(json::parse(&verdict.replace(part, instead)), None, "{instead}");
    }
    assert_eq!(object("{}").unwrap().len(), 0);
    let strange = object(r#"{"a":"\u00e9\n","b":[],"c":true,"d":10}"#).unwrap();
    assert_eq!(
        (&strange[0].1, &strange[3].1),
        (&json::Json::Text("é\n".into()), &json::Json::Number("10".into()))
    );
    for text in
        ["", "{", "{}x", "[]", r#"{"a"}"#, r#"{"a":01}"#, r#"{"a":1.}"#, "{\"a\":\"\n\"}", r#"{"a":"\x"}"#]
    {
        assert_eq!(object(text), None, "{text}");
    }
}
