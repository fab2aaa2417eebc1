/** Every word of the console in Vietnamese, the language of the house. English has the same keys; a test compares them. */
import { cases } from "./cases";
import { frame } from "./frame";
import { pages } from "./pages";
import { wall } from "./wall";

const vi = { ...frame, ...pages, ...cases, ...wall };

export default vi;
/** The shape every language must fill. */
export type Words = typeof vi;
