//! The line of a verdict, where there is something new to tell.

use crate::client::incident::News;
use crate::log::{Level, Log, Value};
use crate::verdict::{Ruling, Verdict};

/// Prints what is new, if anything is. A fault and its end are printed at every level.
pub(in crate::client) fn tell(ruling: &Ruling, news: News, log: &Log) {
    let words: Vec<Value> = ruling.evidence.iter().map(|word| Value::Word(word)).collect();
    let evidence = ("evidence", Value::List(&words));
    let detail = ("detail", Value::Text(&ruling.detail));
    let print = |level, fields: &[_]| log.line(level, "VERDICT", ruling.verdict.name(), fields);
    match news {
        News::None => {}
        News::Told if ruling.verdict == Verdict::Healthy => print(Level::Info, &[evidence]),
        News::Told => print(Level::Warn, &[detail, evidence]),
        News::Fault { since } => print(Level::Error, &[detail, evidence, ("since", Value::Moment(since))]),
        News::Recovered { after, was } => {
            let fields = [("after", Value::Seconds(after)), ("was", Value::Word(was.name()))];
            print(Level::Error, &fields);
        }
    }
}
