/** Every word of the console in English. */
import type { Words } from "../vi";
import { admin } from "./admin";
import { cases } from "./cases";
import { desk } from "./desk";
import { frame } from "./frame";
import { pages } from "./pages";
import { response } from "./response";
import { rules } from "./rules";
import { wall } from "./wall";

const en: Words = { ...frame, ...pages, ...cases, ...admin, ...desk, ...response, ...rules, ...wall };

export default en;
