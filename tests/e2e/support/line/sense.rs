//! What the fields of one line owe each other, whatever the line is about.

use super::Line;

/// Half a microsecond more or less in each of three numbers that were rounded.
const ROUNDING_MS: f64 = 0.0015;

/// Whether the fields of `line` make sense together.
pub(super) fn makes_sense(line: &Line) -> bool {
    let tells_which = line.get("failed").is_none() || line.get("address").is_some();
    let fits = match (&*line.kind, &*line.event) {
        ("VERDICT", "healthy") => is_first_or_recovery(line),
        ("SUMMARY", _) => sums_up(line),
        (_, "FAILED") => is_failure(line) && adds_up(line),
        ("UDP_SERIES", _) => adds_up(line) && is_ascending(line, &["min", "latency", "p99"]),
        ("MTU", "SUCCESS") => match mtu(line) {
            Some((mtu, interface)) => mtu <= interface && lacks(line, &["body"]),
            None => has(line, &["body"]) && lacks(line, &["mtu", "interface", "told_by"]),
        },
        (_, "SUCCESS") => phases_fit(line),
        _ => true,
    };
    tells_which && fits
}

fn has(line: &Line, keys: &[&str]) -> bool {
    keys.iter().all(|key| line.get(key).is_some())
}

fn lacks(line: &Line, keys: &[&str]) -> bool {
    keys.iter().all(|key| line.get(key).is_none())
}

/// The evidence of the first one, or how long there was what.
fn is_first_or_recovery(line: &Line) -> bool {
    let recovery = ["after", "was"];
    (has(line, &["evidence"]) && lacks(line, &recovery))
        || (has(line, &recovery) && lacks(line, &["evidence"]))
}

/// The parts of a latency, both or none, are not longer than the whole.
fn phases_fit(line: &Line) -> bool {
    let second = if line.kind == "TCP" { "echo" } else { "ttfb" };
    let phases = ["connect", second];
    lacks(line, &phases)
        || (has(line, &phases) && line.ms("connect") + line.ms(second) <= line.ms("latency") + ROUNDING_MS)
}

fn is_failure(line: &Line) -> bool {
    let error = line.get("error").unwrap_or_default();
    let resolving = error.starts_with("dns_");
    let tried = [line.get("address"), line.get("name")];
    let is_black_hole = error == "black_hole";
    let tried_one = match &*line.kind {
        "MTU" => has(line, &["address"]),
        _ => tried.iter().flatten().count() == 1,
    };
    // Sizes are those of a black hole; any other failure has measured none.
    let sizes = lacks(line, &["mtu", "interface", "direction"]) || is_black_hole;
    let phase = line.get("phase");
    tried_one
        && sizes
        && is_black_hole <= (line.kind == "MTU")
        && is_black_hole == phase.is_none()
        && resolving == (phase == Some("resolve"))
        && resolving == has(line, &["name"])
        && (error == "io") == has(line, &["detail"])
        && mtu(line).is_none_or(|(mtu, interface)| mtu < interface)
}

/// What was lost was lost in some direction, of what was sent.
fn adds_up(line: &Line) -> bool {
    let directions = ["lost_forward", "lost_return"];
    let all = [&["sent", "lost", "duplicate", "reordered", "late"][..], &directions].concat();
    let unknown = if has(line, &["lost_unknown"]) { line.count("lost_unknown") } else { 0 };
    if line.kind != "UDP_SERIES" || lacks(line, &all) {
        return line.kind != "UDP_SERIES" || line.event == "FAILED";
    }
    let lost = line.count("lost");
    let fits = if line.event == "FAILED" { lost == line.count("sent") } else { lost < line.count("sent") };
    has(line, &all) && fits && directions.iter().map(|key| line.count(key)).sum::<u64>() + unknown == lost
}

fn sums_up(line: &Line) -> bool {
    let times = ["min", "p50", "p90", "p99", "max"];
    let counts = line.count("failures") <= line.count("count") && line.count("count") > 0;
    counts
        && if line.get("jitter").is_some() {
            // Of what was measured, and so of some success.
            line.count("failures") < line.count("count") && is_ascending(line, &times)
        } else {
            lacks(line, &times)
        }
}

fn is_ascending(line: &Line, keys: &[&str]) -> bool {
    has(line, keys) && keys.is_sorted_by(|lower, higher| line.ms(lower) <= line.ms(higher))
}

fn mtu(line: &Line) -> Option<(u64, u64)> {
    has(line, &["mtu", "interface"]).then(|| (line.count("mtu"), line.count("interface")))
}
