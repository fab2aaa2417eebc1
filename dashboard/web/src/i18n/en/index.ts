/** Every word of the console in English. */
import type { Words } from "../vi";
import { frame } from "./frame";
import { pages } from "./pages";
import { wall } from "./wall";

const en: Words = { ...frame, ...pages, ...wall };

export default en;
