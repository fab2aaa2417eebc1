/** Every word of the console in English. */
import type { Words } from "../vi";
import { frame } from "./frame";
import { pages } from "./pages";

const en: Words = { ...frame, ...pages };

export default en;
