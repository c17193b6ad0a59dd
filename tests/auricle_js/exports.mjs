// Prints what auricle.js exports, in the form of members.cjs.

const auricle = await import(process.argv[2]);
const told = { classes: {}, values: [] };
for (const [name, value] of Object.entries(auricle)) {
  if (typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value))) {
    const own = (object) => Reflect.ownKeys(object).filter((key) => typeof key === "string" || key === Symbol.asyncIterator);
    const named = (keys) => keys.map((key) => (typeof key === "symbol" ? "[Symbol.asyncIterator]" : key));
    told.classes[name] = {
      base: Object.getPrototypeOf(value).name || null,
      statics: named(own(value)).filter((key) => !["length", "name", "prototype"].includes(key)),
      members: named(own(value.prototype)).filter((key) => key !== "constructor"),
    };
  } else {
    told.values.push(name);
  }
}
console.log(JSON.stringify(told));
