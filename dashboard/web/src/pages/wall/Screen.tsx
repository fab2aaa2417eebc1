/** One screen: the panel the director gave it. */
import type { Incident } from "../../api/incidents";
import type { PanelName } from "./director";
import { Health, Lag, Refused, Silent, Sources } from "./panels/health";
import { Case, Entities, Path, Story } from "./panels/incident";
import { Clock, Desk, Waiting } from "./panels/shift";
import { Answer, Counters, Incidents, Queue } from "./panels/situation";
import { Flood, Techniques, Top, TopRules, Volume } from "./panels/traffic";
import type { WallData } from "./useWallData";

export function Screen({ name, data, incident }: { name: PanelName; data: WallData; incident: Incident | null }) {
  switch (name) {
    case "answer":
      return <Answer data={data} />;
    case "counters":
      return <Counters data={data} />;
    case "queue":
      return <Queue data={data} />;
    case "incidents":
      return <Incidents data={data} />;
    case "volume":
      return <Volume data={data} />;
    case "flood":
      return <Flood />;
    case "health":
      return <Health data={data} />;
    case "techniques":
      return <Techniques data={data} />;
    case "sources":
      return <Sources data={data} />;
    case "addresses":
    case "hosts":
    case "users":
      return <Top data={data} what={name} />;
    case "rules":
      return <TopRules data={data} />;
    case "lag":
      return <Lag data={data} />;
    case "silent":
      return <Silent data={data} />;
    case "refused":
      return <Refused data={data} />;
    case "clock":
      return <Clock />;
    case "waiting":
      return <Waiting data={data} />;
    case "desk":
      return <Desk data={data} />;
    case "case":
      return <Case data={data} incident={incident} />;
    case "story":
      return <Story data={data} incident={incident} />;
    case "path":
      return <Path data={data} incident={incident} />;
    case "entities":
      return <Entities data={data} incident={incident} />;
  }
}
