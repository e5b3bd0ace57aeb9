//! One fault in a laboratory of its own: health, the break, its verdict, the mending, health; and what of
//! that was not as it should be.

use std::time::{Duration, Instant};

use crate::faults::Fault;
use crate::world::World;

/// The client's `TEST_TIMEOUT` in the laboratory.
const TIMEOUT: Duration = Duration::from_secs(1);

/// What a busy machine adds to a wait that has a limit of its own.
const SLACK: Duration = Duration::from_millis(500);

/// The time before a round, and in it every look-up, probe and measurement at its timeout.
const LONGEST_ROUND: Duration = Duration::from_secs(15);

/// The complaint of a client that does not notice the mending.
const NO_RECOVERY: &str = "after the mending: no verdict";

/// What became of a fault.
#[derive(Default)]
pub(crate) struct Finding {
    /// The first verdict after the break.
    pub(crate) got: Option<String>,
    /// How many rounds had begun by then, and how long it took.
    pub(crate) rounds: usize,
    pub(crate) took: Duration,
    /// How long after the repair `healthy` was printed.
    pub(crate) recovered: Option<Duration>,
    /// What is wrong.
    pub(crate) complaints: Vec<String>,
    /// Whether the prober was in doubt of itself in the first trial.
    pub(crate) is_second: bool,
    /// What was received from the break on, or from the start where it did not come to that.
    pub(crate) transcript: String,
}

/// Has a client see `fault` come and go.
pub(crate) fn trial(fault: &Fault) -> Finding {
    let (mut world, mut finding) = (World::up(), Finding::default());
    finding.begin(&mut world, fault);
    let mark = if finding.complaints.is_empty() { world.mark() } else { 0 };
    if finding.complaints.is_empty() {
        finding.break_it(&mut world, fault);
    }
    if finding.got.is_some() && !fault.passes_by_itself() {
        finding.mend(&mut world);
    }
    finding.transcript = world.since(mark);
    finding
}

impl Finding {
    /// Whether something is wrong, and the prober says of itself that it was starved, unbidden; or says
    /// nothing at the end, which it does not as long as it is.
    pub(crate) fn is_in_doubt(&self, fault: &Fault) -> bool {
        let is_bidden = fault.verdict == "prober" && self.rounds > 0;
        let doubts = ["] prober ", " suspect="].iter().any(|doubt| self.transcript.contains(doubt));
        !self.complaints.is_empty() && (doubts && !is_bidden || self.complaints == [NO_RECOVERY])
    }

    /// Nothing is wrong where nothing is broken.
    fn begin(&mut self, world: &mut World, fault: &Fault) {
        let client = "scripts/lab.sh in client smoker client --node-name n1 --interval 1s --timeout 1s";
        let mut watch = Watch::after(world, &format!("{client} {} &", fault.flags()));
        match watch.verdict(1) {
            Some(printed) if printed.word == "healthy" => {}
            printed => self.complain("before the break", printed),
        }
        if let Some(printed) = watch.verdict(fault.rounds_before()).or_else(|| watch.rest_of_round()) {
            self.complain("before the break", Some(printed));
        }
    }

    /// The first verdict is the right one, and stands.
    fn break_it(&mut self, world: &mut World, fault: &Fault) {
        let mut watch = Watch::after(world, &format!("scripts/lab.sh break {}", fault.name));
        let printed = watch.verdict(fault.rounds());
        (self.rounds, self.took) = (watch.rounds, watch.began.elapsed());
        self.got = printed.as_ref().map(|printed| printed.word.clone());
        match printed {
            Some(printed) if printed.word == fault.verdict => {
                // It is found by a pass that takes one timeout more, and no longer.
                if printed.pass > TIMEOUT + SLACK {
                    self.complain("late", Some(printed));
                }
            }
            Some(printed) if !["transient", "unknown"].contains(&&*printed.word) => {
                self.complain("THE WRONG LAYER", Some(printed));
            }
            printed => self.complain("missed", printed),
        }
        if self.got.is_some()
            && let Some(printed) = watch.verdict(watch.rounds + 1)
        {
            self.complain("and then", Some(printed));
        }
    }

    /// `healthy` is printed within one round.
    fn mend(&mut self, world: &mut World) {
        let mut watch = Watch::after(world, "scripts/lab.sh mend");
        let mut was = self.got.clone();
        let mut printed = watch.verdict(1);
        // The round under way has seen some of the fault and some of the mending.
        while watch.rounds == 0
            && let Some(Printed { word, .. }) = printed.take_if(|printed| printed.word != "healthy")
        {
            was = Some(word);
            printed = watch.verdict(1);
        }
        self.recovered = printed.as_ref().map(|_| watch.began.elapsed());
        let end = format!(" was={}", was.unwrap_or_default());
        if !printed
            .as_ref()
            .is_some_and(|printed| printed.line.contains("] healthy after=") && printed.line.ends_with(&end))
        {
            self.complain("after the mending", printed);
        }
    }

    fn complain(&mut self, of: &str, printed: Option<Printed>) {
        let line = printed.map_or("no verdict".into(), |printed| printed.line);
        self.complaints.push(format!("{of}: {line}"));
    }
}

/// What the client says from a command on.
struct Watch<'a> {
    world: &'a mut World,
    /// Where in the transcript.
    place: usize,
    /// When the command was done.
    began: Instant,
    /// The rounds that have begun since then.
    rounds: usize,
    /// When the line before came.
    before: Instant,
}

/// A verdict that was printed.
struct Printed {
    word: String,
    line: String,
    /// The time since the line before it, which is that of a probe.
    pass: Duration,
}

impl<'a> Watch<'a> {
    /// Does what `command` says.
    fn after(world: &'a mut World, command: &str) -> Self {
        let (place, before) = (world.mark(), Instant::now());
        let began = world.run(command);
        Self { world, place, began, rounds: 0, before }
    }

    /// Waits for a verdict, until one more than so many rounds have begun.
    fn verdict(&mut self, rounds: usize) -> Option<Printed> {
        self.verdict_within(rounds, LONGEST_ROUND)
    }

    /// Waits for the end of the round under way. The verdict that it has brought, if any.
    fn rest_of_round(&mut self) -> Option<Printed> {
        self.world.end_of_round();
        self.verdict_within(usize::MAX, Duration::ZERO)
    }

    /// A verdict, unless no line comes for so long, or one more than so many rounds have begun.
    fn verdict_within(&mut self, rounds: usize, patience: Duration) -> Option<Printed> {
        while let Some(received) = self.world.received(self.place, Instant::now() + patience) {
            self.place += 1;
            let pass = received.at.duration_since(self.before);
            self.before = received.at;
            match kind_of(&received.line) {
                // A round begins with its look-up.
                Some(("DNS", _)) if received.at < self.began => {}
                Some(("DNS", _)) if self.rounds == rounds => return None,
                Some(("DNS", _)) => self.rounds += 1,
                Some(("VERDICT", rest)) => {
                    let word = rest.split(' ').next().unwrap_or_default().to_owned();
                    return Some(Printed { word, line: received.line, pass });
                }
                _ => {}
            }
        }
        None
    }
}

/// `DNS`, and `SUCCESS latency=…`, of a client's line.
fn kind_of(line: &str) -> Option<(&str, &str)> {
    line.split_once("] [NODE:n1] [")?.1.split_once("] ")
}
