/** Half of the looks there are, so that each language and each scheme is seen once: a file each, since files run side by side. */
import { everyPage } from "../everyPage";

everyPage({ language: "vi", scheme: "dark" });
