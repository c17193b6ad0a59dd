// The page: asks the server what it is, and shows one of its views.

import { demoHint } from "./demo_hint.js";
import { byId, element } from "./dom.js";
import { Notices } from "./notices.js";
import { SpeakView } from "./speak_view.js";
import { StatusView } from "./status/status.js";
import { Token } from "./token.js";

const AGAIN_MS = 1000;
const notices = new Notices();

/** What the server says of itself. Waits until it is ready. */
async function serverConfig() {
  for (;;) {
    const config = await asked();
    if (config?.status === "ready" && config.model) return config;
    byId("server").textContent = config ? STATUS[config.status] ?? config.status : "The server does not answer. Asking again…";
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/** Shows the model's name; of several the one that the page's address names, and a choice, which loads the page anew. */
function chooseModel(config) {
  const asked = new URLSearchParams(location.search).get("model");
  config.model = config.models.find(({ name }) => name === asked) ?? config.model;
  byId("server").textContent = config.model.name;
  if (config.models.length === 1) return;
  const options = config.models.map(({ name }) => element("option", { value: name, selected: name === config.model.name }, name));
  const choice = element("select", { id: "model" }, ...options);
  choice.addEventListener("change", () => location.assign(`?model=${encodeURIComponent(choice.value)}${location.hash}`));
  byId("server").replaceChildren(element("label", { for: "model" }, "Model "), choice);
}

const STATUS = {
  loading: "The server is loading its model…",
  "no worker": "The server’s worker is starting…",
  draining: "The server is shutting down.",
};

async function asked() {
  try {
    const answer = await fetch("/console/config.json");
    return answer.ok ? await answer.json() : null;
  } catch (error) {
    if (error instanceof TypeError) return null; // no connection
    throw error;
  }
}

function route() {
  const name = location.hash.slice(1);
  const shown = name === "status" ? name : "speak";
  for (const view of document.querySelectorAll(".view")) view.hidden = view.id !== shown;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${shown}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (shown === "status") showStatus();
}

// The status is followed from the first visit on, so that who never looks costs nothing and is asked for no key.
let status = null;
function showStatus() {
  if (!config) return;
  if (status) {
    status.draw();
    return;
  }
  const getToken = (refused) => {
    if (refused) token.forget();
    return token.get();
  };
  status = new StatusView(byId("status"), config.keys_required ? { getToken } : {});
  status.run();
}

const token = new Token();
let config = null;
addEventListener("hashchange", route);
route();
config = await serverConfig();
route();
chooseModel(config);
if (config.demo) notices.hint(...demoHint(config.demo));
const view = new SpeakView(config, notices, token);
await view.load();
