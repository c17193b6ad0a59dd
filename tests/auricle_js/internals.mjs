// The module's inner parts, for tests that hold them against their Python models: it exports none of them.

import { readFileSync } from "node:fs";

const source = readFileSync(new URL("../../plugins/auricle-js/auricle.js", import.meta.url), "utf8");
const inner = ["EventMerger", "ReplayBuffer", "SendWindow", "Packetizer", "Policy", "Servers", "camel", "decode", "startMessage"];
const text = `${source}\nexport { ${inner.join(", ")} };`;

export default await import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);
