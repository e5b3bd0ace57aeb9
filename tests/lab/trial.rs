//! One fault in a laboratory of its own: break, verdict, mend, `healthy`; and what of it was not as it should be.

use std::time::{Duration, Instant};

use crate::faults::Fault;
use crate::world::World;

/// The client's flags in the laboratory. Its `SERVER_HOST` is the Service's name.
const FLAGS: &str = "--interval 1s --timeout 1s";

/// Of [`FLAGS`].
const TIMEOUT: Duration = Duration::from_secs(1);

/// What a busy machine adds to a wait that has a limit of its own.
const SLACK: Duration = Duration::from_millis(500);

/// A round with every probe, look-up and measurement at its timeout, and the pause before it.
const LONGEST_ROUND: Duration = Duration::from_secs(15);

/// What became of a fault.
pub(crate) struct Finding {
    pub(crate) fault: Fault,
    /// The first verdict; none in time.
    pub(crate) got: Option<String>,
    /// The rounds that it took, and the time.
    pub(crate) rounds: usize,
    pub(crate) took: Duration,
    /// How long after the mending `healthy` was told.
    pub(crate) healthy_after: Option<Duration>,
    /// What is wrong, one complaint each.
    pub(crate) complaints: Vec<String>,
    /// The client's lines from the break on.
    pub(crate) transcript: String,
}

/// What the client says from a moment on.
struct Watch<'a> {
    world: &'a mut World,
    began: Instant,
    /// The rounds that have begun since, each with its look-up.
    rounds: usize,
    /// When the last line about a probe came.
    probed: Option<Instant>,
}

/// A verdict, as its line has it.
struct Said {
    word: String,
    line: String,
    /// The time since the last line about a probe: that of the diagnosing pass.
    pass: Option<Duration>,
}

/// Has a client see `fault` come and go.
pub(crate) fn trial(fault: Fault) -> Finding {
    let mut world = World::up();
    world.start_client(&format!("{FLAGS} {}", fault.flags()));
    let mut complaints = Vec::new();
    if !Watch::new(&mut world).sees_health(fault.rounds_before()) {
        complaints.push("not healthy at first".into());
    }
    world.end_of_round();
    world.run(&format!("scripts/lab.sh break {}", fault.name));
    let mark = world.mark();
    let mut watch = Watch::new(&mut world);
    let first = watch.verdict(fault.rounds());
    let (rounds, took) = (watch.rounds, watch.began.elapsed());
    complaints.extend(watch.judge(&fault, first.as_ref()));
    let healthy_after = if first.is_some() { mended(&mut world, &fault, &mut complaints) } else { None };
    let got = first.map(|said| said.word);
    Finding { fault, got, rounds, took, healthy_after, complaints, transcript: world.since(mark) }
}

/// Mends all, and says how long after that `healthy` was told.
fn mended(world: &mut World, fault: &Fault, complaints: &mut Vec<String>) -> Option<Duration> {
    if fault.passes_by_itself() {
        return Some(Duration::ZERO);
    }
    world.end_of_round();
    world.run("scripts/lab.sh mend");
    let mut watch = Watch::new(world);
    let said = watch.verdict(fault.rounds_to_recover());
    let after = watch.began.elapsed();
    let as_it_should_be = said.as_ref().is_some_and(|said| {
        said.word == "healthy" && said.line.contains(" after=") && said.line.contains(&format!(" was={}", fault.verdict))
    });
    if !as_it_should_be {
        let line = said.map_or("nothing".into(), |said| said.line);
        complaints.push(format!("after mending: {line}"));
    }
    Some(after)
}

impl<'a> Watch<'a> {
    fn new(world: &'a mut World) -> Self {
        Self { world, began: Instant::now(), rounds: 0, probed: None }
    }

    /// Waits for a verdict, at the longest to the end of round number `rounds`.
    fn verdict(&mut self, rounds: usize) -> Option<Said> {
        while let Some(heard) = self.world.next(Instant::now() + LONGEST_ROUND) {
            let Some((kind, rest)) = kind_of(&heard.line) else { continue };
            match kind {
                "VERDICT" => {
                    let word = rest.split(' ').next().unwrap_or("").to_owned();
                    let pass = self.probed.map(|probed| heard.at.duration_since(probed));
                    return Some(Said { word, line: heard.line, pass });
                }
                "DNS" => {
                    if self.rounds == rounds {
                        return None;
                    }
                    self.rounds += 1;
                }
                _ => {}
            }
            self.probed = Some(heard.at);
        }
        None
    }

    /// Whether the first verdict is `healthy`, and no other comes in so many rounds.
    fn sees_health(&mut self, rounds: usize) -> bool {
        self.verdict(rounds).is_some_and(|said| said.word == "healthy") && self.verdict(rounds).is_none()
    }

    /// What is wrong with the first verdict, or with those of the round that follows it.
    fn judge(&mut self, fault: &Fault, first: Option<&Said>) -> Vec<String> {
        let Some(first) = first else { return vec![format!("no verdict in {} rounds", fault.rounds())] };
        let mut complaints = Vec::new();
        if first.word == "unknown" || first.word == "transient" {
            if first.word != fault.verdict {
                complaints.push(format!("missed: {}", first.line));
            }
        } else if first.word != fault.verdict {
            complaints.push(format!("THE WRONG LAYER: {}", first.line));
        }
        if first.pass.is_none_or(|pass| pass > TIMEOUT + SLACK) {
            complaints.push(format!("the diagnosing pass took {:?}", first.pass));
        }
        let follows = if fault.passes_by_itself() { "healthy" } else { "nothing" };
        let then = self.verdict(self.rounds + 1).map_or("nothing".into(), |said| said.word);
        if then != follows {
            complaints.push(format!("then {then} instead of {follows}"));
        }
        complaints
    }
}

/// `DNS` and `SUCCESS latency=…` of a client's line.
fn kind_of(line: &str) -> Option<(&str, &str)> {
    line.split_once("] [NODE:n1] [")?.1.split_once("] ")
}
