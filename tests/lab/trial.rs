//! One fault in a laboratory of its own: health, the break, its verdict, the mending, health; and what of that
//! was not as it should be.

use std::time::{Duration, Instant};

use crate::faults::Fault;
use crate::world::World;

/// The client's `TEST_TIMEOUT` in the laboratory.
const TIMEOUT: Duration = Duration::from_secs(1);

/// What a busy machine adds to a wait that has a limit of its own.
const SLACK: Duration = Duration::from_millis(500);

/// The time before a round, and in it every look-up, probe and measurement at its timeout.
const LONGEST_ROUND: Duration = Duration::from_secs(15);

/// What became of a fault.
pub(crate) struct Finding {
    pub(crate) fault: Fault,
    /// The first verdict after the break.
    pub(crate) got: Option<String>,
    /// How many rounds had begun by then, and how long it took.
    pub(crate) rounds: usize,
    pub(crate) took: Duration,
    /// How long after the mending `healthy` was told.
    pub(crate) recovered: Option<Duration>,
    /// What is wrong.
    pub(crate) complaints: Vec<String>,
    /// What was heard from the break on.
    pub(crate) transcript: String,
}

/// Has a client see `fault` come and go.
pub(crate) fn trial(fault: Fault) -> Finding {
    let mut world = World::up();
    world.start_client(&format!("--interval 1s --timeout 1s {}", fault.flags()));
    let (got, transcript) = (None, String::new());
    let (rounds, took, recovered, complaints) = (0, Duration::ZERO, None, Vec::new());
    let mut finding = Finding { fault, got, rounds, took, recovered, complaints, transcript };
    finding.begin(&mut world);
    let mark = world.mark();
    if finding.complaints.is_empty() {
        finding.break_it(&mut world);
    }
    if finding.got.is_some() && !finding.fault.passes_by_itself() {
        finding.mend(&mut world);
    }
    finding.transcript = world.since(if finding.rounds == 0 { 0 } else { mark });
    finding
}

impl Finding {
    /// Nothing is wrong where nothing is broken.
    fn begin(&mut self, world: &mut World) {
        let mut watch = Watch::new(world);
        match watch.verdict(1) {
            Some(said) if said.word == "healthy" => {}
            said => self.complain("before the break", said),
        }
        if let Some(said) = watch.verdict(self.fault.rounds_before()) {
            self.complain("before the break", Some(said));
        }
        world.end_of_round();
    }

    /// The first verdict is the right one, and stands.
    fn break_it(&mut self, world: &mut World) {
        world.run(&format!("scripts/lab.sh break {}", self.fault.name));
        let mut watch = Watch::new(world);
        let said = watch.verdict(self.fault.rounds());
        (self.rounds, self.took) = (watch.rounds, watch.began.elapsed());
        self.got = said.as_ref().map(|said| said.word.clone());
        match said {
            Some(said) if said.word == self.fault.verdict => self.assert_timely(&said),
            Some(said) if ["transient", "unknown"].contains(&&*said.word) => {
                self.complain("missed", Some(said));
            }
            Some(said) => self.complain("THE WRONG LAYER", Some(said)),
            None => self.complain("missed", None),
        }
        if self.got.is_some()
            && let Some(said) = watch.verdict(watch.rounds + 1)
        {
            self.complain("and then", Some(said));
        }
    }

    /// The diagnosing pass takes one timeout more, and no longer.
    fn assert_timely(&mut self, said: &Said) {
        if said.pass > TIMEOUT + SLACK {
            self.complaints.push(format!("the diagnosing pass took {:?}", said.pass));
        }
    }

    /// `healthy` is told within one round.
    fn mend(&mut self, world: &mut World) {
        world.run("scripts/lab.sh mend");
        let mut watch = Watch::new(world);
        let mut said = watch.verdict(1);
        let mut was = self.got.clone().unwrap_or_default();
        // The round under way has seen some of the fault and some of the mending.
        if watch.rounds == 0
            && let Some(Said { word, .. }) = said.take_if(|said| said.word != "healthy")
        {
            was = word;
            said = watch.verdict(1);
        }
        self.recovered = said.as_ref().map(|_| watch.began.elapsed());
        let recovery = |said: &Said| {
            said.line.contains("] healthy after=") && said.line.ends_with(&format!(" was={was}"))
        };
        if !said.as_ref().is_some_and(recovery) {
            self.complain("after the mending", said);
        }
    }

    fn complain(&mut self, of: &str, said: Option<Said>) {
        let line = said.map_or("no verdict".into(), |said| said.line);
        self.complaints.push(format!("{of}: {line}"));
    }
}

/// What the client says from a moment on.
struct Watch<'a> {
    world: &'a mut World,
    began: Instant,
    /// The rounds that have begun since.
    rounds: usize,
    /// When the line before the last came.
    before: Instant,
}

/// A verdict that was told.
struct Said {
    word: String,
    line: String,
    /// The time since the line before it, which is that of a probe.
    pass: Duration,
}

impl<'a> Watch<'a> {
    fn new(world: &'a mut World) -> Self {
        let now = Instant::now();
        Self { world, began: now, rounds: 0, before: now }
    }

    /// Waits for a verdict, until one more than so many rounds have begun.
    fn verdict(&mut self, rounds: usize) -> Option<Said> {
        while let Some(heard) = self.world.next(Instant::now() + LONGEST_ROUND) {
            let pass = heard.at.duration_since(self.before);
            self.before = heard.at;
            match kind_of(&heard.line) {
                // A round begins with its look-up.
                Some(("DNS", _)) if self.rounds == rounds => return None,
                Some(("DNS", _)) => self.rounds += 1,
                Some(("VERDICT", rest)) => {
                    let word = rest.split(' ').next().unwrap_or_default().to_owned();
                    return Some(Said { word, line: heard.line, pass });
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
