//! `fansipan entity`: everything about one thing.

use anyhow::Result;

use super::{client, list_of};
use crate::{
    Outcome,
    args::{Cli, EntityArgs},
    output, words,
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
    for (label, path) in [
        (words::KIND, "kind"),
        (words::VALUE, "value"),
        (words::EVENTS, "events"),
        (words::FIRST_SEEN, "first_seen"),
        (words::LAST_SEEN, "last_seen"),
    ] {
        output::field_or_dash(cli, label, &output::cell(&page, path))?;
    }
    for facet in list_of(&page, "peers") {
        let values = list_of(facet, "values").iter().map(|v| format!("{} ({})", output::cell(v, "value"), output::cell(v, "count")));
        output::field(cli, output::cell(facet, "field"), &values.collect::<Vec<_>>().join(", "))?;
    }
    for incident in list_of(&page, "incidents") {
        let text = format!("{} {} {}", output::cell(incident, "level"), output::text(cli, incident, "title"), output::cell(incident, "id"));
        output::field(cli, words::INCIDENT, &text)?;
    }
    let row = |alert| {
        let [level, seen, count, status, id] = ["rule/level", "last_seen", "count", "status", "id"].map(|path| output::cell(alert, path));
        vec![level, seen, count, output::text(cli, alert, "rule/title"), status, id]
    };
    let heads = [words::LEVEL, words::LAST_SEEN, words::COUNT, words::RULE, words::STATUS, words::ID];
    output::table(cli, &heads, list_of(&page, "alerts").iter().map(row))?;
    Ok(Outcome::Done)
}
