/** Every word of the console in Vietnamese, the language of the house. English has the same keys; a test compares them. */
import { admin } from "./admin";
import { cases } from "./cases";
import { desk } from "./desk";
import { frame } from "./frame";
import { pages } from "./pages";
import { response } from "./response";
import { rules } from "./rules";
import { wall } from "./wall";

const vi = { ...frame, ...pages, ...cases, ...admin, ...desk, ...response, ...rules, ...wall };

export default vi;
/** The shape every language must fill. */
export type Words = typeof vi;
