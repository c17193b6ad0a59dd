// Prints what auricle.d.ts declares: by class, its members; and the other values. `node members.cjs TYPESCRIPT FILE`

const ts = require(process.argv[2]);
const fs = require("node:fs");

const source = ts.createSourceFile("auricle.d.ts", fs.readFileSync(process.argv[3], "utf8"), ts.ScriptTarget.ES2022, true);
const declared = { classes: {}, values: [], undocumented: [] };

function documented(node) {
  return ts.getJSDocCommentsAndTags(node).length > 0;
}

for (const statement of source.statements) {
  const name = statement.name?.text ?? statement.declarationList?.declarations[0].name.text;
  if (!documented(statement) && !["EventBase", "TurnText"].includes(name)) declared.undocumented.push(name);
  if (ts.isClassDeclaration(statement)) {
    const members = statement.members.filter((member) => member.name !== undefined);
    const statics = members.filter((member) => member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword));
    declared.classes[name] = {
      base: statement.heritageClauses?.[0].types[0].expression.text ?? null,
      statics: statics.map((member) => member.name.getText()),
      members: members.filter((member) => !statics.includes(member)).map((member) => member.name.getText()),
    };
  } else if (ts.isFunctionDeclaration(statement) || ts.isVariableStatement(statement)) {
    declared.values.push(name);
  }
}
console.log(JSON.stringify(declared));
