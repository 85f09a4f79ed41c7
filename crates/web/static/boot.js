// Starts the page: theme, service worker, and the app itself.
//
// The only place that makes URLs of scripts. They are all fixed when the app is built; the Trusted Types policy
// `diario` lets nothing else through.

const PAGE = '{{page.js}}';
const PAGE_WASM = '{{page.wasm}}';
const ENGINE = '{{engine.js}}';
const SERVICE_WORKER = '/sw.js';

const rules = {
  createScriptURL(url) {
    if (url === ENGINE || url === SERVICE_WORKER) return url;
    throw new TypeError('no script of this app');
  },
};
const policy = globalThis.trustedTypes?.createPolicy('diario', rules) ?? rules;

/** What was kept in this browser under a name; null where nothing can be kept. */
function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

const theme = kept('diario.theme');
if (theme === 'light' || theme === 'dark') {
  document.documentElement.dataset.theme = theme;
  // The colour of the bars around the page; later changes are made in the app.
  const colour = document.querySelector(`meta[name="theme-color"][media*="${theme}"]`)?.content;
  if (colour) document.querySelectorAll('meta[name="theme-color"]').forEach((meta) => (meta.content = colour));
}

const language = (() => {
  const known = ['en', 'it'];
  const wanted = [kept('diario.language'), ...navigator.languages];
  const of = (tag) => known.find((one) => one === String(tag).toLowerCase().split(/[-_]/)[0]);
  return wanted.map(of).find(Boolean) ?? 'en';
})();
document.documentElement.lang = language;

/** The words of each language: one file each, of which a visitor fetches the one that is wanted. */
const WORDS = {
  en: ['{{words-en.txt}}', '{{integrity:words-en.txt}}'],
  it: ['{{words-it.txt}}', '{{integrity:words-it.txt}}'],
};

/** The words of a language. The service worker keeps what was fetched, so that it is there without a network. */
async function words(of) {
  const [path, integrity] = WORDS[of];
  const response = await fetch(path, { integrity });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.text();
}

/** The language to begin with, and its words; another one if this one cannot be had, as without a network. */
async function firstWords() {
  for (const of of [language, ...Object.keys(WORDS)]) {
    try {
      return { language: of, text: await words(of) };
    } catch (error) {
      console.warn(error);
    }
  }
  throw new Error('no words of any language');
}

const TEXTS = {
  en: {
    old: 'This browser is too old for Diario, or a setting of it is in the way. It lacks: ',
    insecure: 'Diario needs a secure connection. Open this page by https.',
    failed: 'Diario could not be loaded. Check the connection and load this page again.',
  },
  it: {
    old: 'Questo browser è troppo vecchio per Diario, oppure una sua impostazione lo impedisce. Manca: ',
    insecure: 'Diario ha bisogno di una connessione sicura. Apri questa pagina con https.',
    failed: 'Non è stato possibile caricare Diario. Controlla la connessione e ricarica la pagina.',
  },
}[language];

function say(text) {
  const line = document.getElementById('splash-text');
  if (line) line.textContent = text;
}

/** What this browser lacks, by names that a search finds. */
function missing() {
  const needs = {
    WebAssembly: typeof WebAssembly === 'object' && 'instantiateStreaming' in WebAssembly,
    'Web Locks': 'locks' in navigator,
    'Web Workers': 'Worker' in globalThis,
    BroadcastChannel: 'BroadcastChannel' in globalThis,
    '<dialog>': 'HTMLDialogElement' in globalThis,
  };
  return Object.keys(needs).filter((name) => !needs[name]);
}

// What the page's module asks for: a worker when it has to hold the engine, words when it speaks another language.
const app = {
  startEngine: () => new Worker(policy.createScriptURL(ENGINE), { type: 'module', name: 'diario-engine' }),
  words,
};

/** Registers the service worker, and loads the page anew, once, when a new version of it takes over. */
async function serve() {
  const container = navigator.serviceWorker;
  if (!container) return;
  let before = container.controller !== null;
  container.addEventListener('controllerchange', () => {
    if (!before) {
      // The first one ever: it serves the same version as this page is.
      before = true;
      return;
    }
    // Never twice in a row, whatever goes wrong.
    const last = Number(sessionStorage.getItem('diario.reloaded') ?? 0);
    if (Date.now() - last < 5000) return;
    sessionStorage.setItem('diario.reloaded', String(Date.now()));
    location.reload();
  });
  const found = await container.getRegistration();
  before ||= Boolean(found?.active);
  const registration = await container.register(policy.createScriptURL(SERVICE_WORKER), {
    updateViaCache: 'none',
  });
  // The words that this page has were fetched before there was who keeps them.
  const keeper = registration.active ?? registration.waiting ?? registration.installing;
  keeper?.postMessage({ type: 'keep', path: WORDS[language][0] });
  // An app that stays open for days looks for a new version when it is looked at.
  let looked = Date.now();
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible' || Date.now() - looked < 3_600_000) return;
    looked = Date.now();
    registration.update().catch(() => {});
  });
}

async function start() {
  if (!isSecureContext) return say(TEXTS.insecure);
  const lacks = missing();
  if (lacks.length > 0) return say(TEXTS.old + lacks.join(', '));
  try {
    // Both at once: the module's code is compiled while its glue is read.
    const wasm = fetch(PAGE_WASM, { integrity: '{{integrity:page.wasm}}' });
    const first = firstWords();
    const page = await import(PAGE);
    globalThis.diario = Object.freeze({ ...app, first: await first });
    await page.default({ module_or_path: wasm });
    document.getElementById('splash')?.remove();
  } catch (error) {
    console.error(error);
    say(TEXTS.failed);
  }
}

start();
// Without a service worker the app works all the same, in one tab and online.
serve().catch((error) => console.warn(error));
