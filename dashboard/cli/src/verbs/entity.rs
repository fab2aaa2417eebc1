//! `fansipan entity`: everything about one thing.

use anyhow::Result;

use super::{client, incidents::list_of};
use crate::{
    Outcome,
    args::{Cli, EntityArgs},
    output,
};

/// Everything about one thing.
pub(super) async fn entity(cli: &Cli, args: &EntityArgs) -> Result<Outcome> {
    let mut parameters = vec![("value", args.value.clone()), ("since", args.since.clone())];
    parameters.extend(args.kind.clone().map(|k| ("kind", k)));
    let page = client(cli)?.get("/entity", &parameters).await?;
    if cli.json {
        output::json(&page)?;
        return Ok(Outcome::Done);
    }
    for (label, path) in
        [("Kind", "kind"), ("Value", "value"), ("Events", "events"), ("First seen", "first_seen"), ("Last seen", "last_seen")]
    {
        output::line(&format!("{label:<11}{}", output::harmless(&output::cell(&page, path))))?;
    }
    for facet in list_of(&page, "peers") {
        let values = list_of(facet, "values").iter().map(|v| format!("{} ({})", output::cell(v, "value"), output::cell(v, "count")));
        let values: Vec<String> = values.collect();
        if !values.is_empty() {
            output::line(&format!("{:<20}{}", output::cell(facet, "field"), output::harmless(&values.join(", "))))?;
        }
    }
    for incident in list_of(&page, "incidents") {
        let text =
            format!("{} {} {}", output::cell(incident, "level"), output::title(cli, incident, "title"), output::cell(incident, "id"));
        output::line(&format!("{:<11}{}", "Incident", output::harmless(&text)))?;
    }
    let row = |alert| {
        let [level, seen, count, status, id] = ["rule/level", "last_seen", "count", "status", "id"].map(|path| output::cell(alert, path));
        vec![level, seen, count, output::title(cli, alert, "rule/title"), status, id]
    };
    output::table(&["LEVEL", "LAST SEEN", "COUNT", "RULE", "STATUS", "ID"], list_of(&page, "alerts").iter().map(row))?;
    Ok(Outcome::Done)
}
