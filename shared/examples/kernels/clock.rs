//! Seconds by step.

use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::Result;

/// Seconds of each step, as `bench/peers/timing.py` has them.
#[derive(Default)]
pub(crate) struct Clock(Map<String, Value>);

impl Clock {
    /// Does the work once for practice, then `times` times; gives the last result.
    pub(crate) fn repeat<T>(
        &mut self,
        step: &str,
        times: usize,
        mut work: impl FnMut() -> Result<T>,
    ) -> Result<T> {
        let mut seconds = Vec::with_capacity(times);
        let begin = Instant::now();
        let mut result = work()?;
        self.0.insert(
            format!("{step}, first"),
            json!([begin.elapsed().as_secs_f64()]),
        );
        for _ in 0..times {
            // What the last time left is not for the next one to clear up.
            drop(result);
            let begin = Instant::now();
            result = work()?;
            seconds.push(begin.elapsed().as_secs_f64());
        }
        self.0.insert(step.to_owned(), json!(seconds));
        Ok(result)
    }

    /// The line that is printed.
    pub(crate) fn report(self, facts: &Value) -> Value {
        json!({ "seconds": self.0, "facts": facts })
    }
}
