//! The line of a verdict, where there is something new about it.

use crate::client::incident::Change;
use crate::log::{Level, Log, Value};
use crate::verdict::{Ruling, Verdict};

/// Prints what is new, if anything is. An incident and its end are printed at every level.
pub(super) fn print(ruling: &Ruling, change: Change, log: &Log) {
    let words: Vec<Value> = ruling.evidence.iter().map(|word| Value::Word(word)).collect();
    let evidence = ("evidence", Value::List(&words));
    let detail = ("detail", Value::Text(&ruling.detail));
    let print = |level, fields: &[_]| log.line(level, "VERDICT", ruling.verdict.name(), fields);
    match change {
        Change::Unchanged => {}
        Change::Noted if ruling.verdict == Verdict::Healthy => print(Level::Info, &[evidence]),
        Change::Noted => print(Level::Warn, &[detail, evidence]),
        Change::Open { since } => print(Level::Error, &[detail, evidence, ("since", Value::Moment(since))]),
        Change::Resolved { after, was } => {
            let fields = [("after", Value::Seconds(after)), ("was", Value::Word(was.name()))];
            print(Level::Error, &fields);
        }
    }
}
