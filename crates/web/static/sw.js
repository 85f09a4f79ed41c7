// The service worker: keeps the app in this browser so that it starts without a network, wakes it by push, and
// brings tabs together.
//
// A new version installs beside the old one and waits. The page says that it is there; when the user wants it, or
// when no page of the old version is left, it takes over. Nothing of the API is ever kept here.

const VERSION = '{{version}}';
const CACHE = `diario-${VERSION}`;
const FILES = {{precache}};
/** Files that only some want, such as the words of one language: kept when somebody has wanted them. */
const LATER = {{later}};
const PAGE = '/index.html';

self.addEventListener('install', (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE);
      // Names under /assets/ say what is in them; the others could be old ones of the browser's own cache.
      await cache.addAll(
        FILES.filter((path) => path !== '/sw.js').map(
          (path) => new Request(path, { cache: path.startsWith('/assets/') ? 'default' : 'reload' }),
        ),
      );
      await cache.addAll(await wantedBefore());
    })(),
  );
});

/** What of the later files was kept of the versions before: this version will be asked for it, too. */
async function wantedBefore() {
  const nameOf = (path) => path.replace(/-[0-9a-f]{16}\./, '.');
  const before = new Set();
  for (const name of await caches.keys()) {
    if (!name.startsWith('diario-') || name === CACHE) continue;
    for (const request of await (await caches.open(name)).keys()) before.add(nameOf(new URL(request.url).pathname));
  }
  return LATER.filter((path) => before.has(nameOf(path)));
}

/** Keeps one of the later files. */
async function keep(path) {
  if (!LATER.includes(path)) return;
  const cache = await caches.open(CACHE);
  if (!(await cache.match(path))) await cache.add(path);
}

self.addEventListener('activate', (event) => {
  event.waitUntil(
    (async () => {
      const names = await caches.keys();
      await Promise.all(
        names.filter((name) => name.startsWith('diario-') && name !== CACHE).map((name) => caches.delete(name)),
      );
      await self.clients.claim();
    })(),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET') return;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.mode === 'navigate') {
    // The server's own pages, such as /healthz, are not the app's.
    if (/^\/(v1|metrics|healthz)(\/|$)/.test(url.pathname)) return;
    event.respondWith(kept(PAGE, request));
  } else if (FILES.includes(url.pathname) && url.pathname !== '/sw.js') {
    event.respondWith(kept(url.pathname, request));
  } else if (LATER.includes(url.pathname)) {
    event.respondWith(kept(url.pathname, request));
    event.waitUntil(keep(url.pathname).catch(() => {}));
  }
});

/** A file of this version; by the network if the browser has thrown it away. */
async function kept(path, request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(path)) ?? fetch(request);
}

self.addEventListener('message', (event) => {
  const data = event.data;
  if (data?.type === 'skip-waiting') self.skipWaiting();
  if (data?.type === 'notify') event.waitUntil(notify(data));
  if (data?.type === 'seen') event.waitUntil(close(data.tag));
  if (data?.type === 'words') event.waitUntil(keepWords(data.pushed));
  if (data?.type === 'keep') event.waitUntil(keep(data.path).catch(() => {}));
  if (data?.type === 'forget') event.waitUntil(closeAll());
});

// ---- notifications ----

/** The notification of a push, which has no content: those of an open page, which have some, take its place. */
const PUSHED = 'diario-push';

/** Where is kept what a page has said, in its language: no version of the app takes this away. */
const SAID = 'said';
const PUSHED_WORDS = '/words/pushed';

/** What to say of a push from now on. */
async function keepWords(pushed) {
  const said = await caches.open(SAID);
  await said.put(PUSHED_WORDS, new Response(pushed));
}

/** What to say of a push. Nothing but the app's name if the browser has thrown it away. */
async function pushedWords() {
  const kept = await caches.match(PUSHED_WORDS, { cacheName: SAID });
  return kept?.text();
}

function pages() {
  return self.clients.matchAll({ type: 'window', includeUncontrolled: true });
}

/** A conversation is looked at: what was notified of it, and of pushes, is old. */
async function close(tag) {
  for (const old of await self.registration.getNotifications()) {
    if (old.tag === tag || old.tag === PUSHED) old.close();
  }
}

/** There is no account any more: nothing is left of its messages. */
async function closeAll() {
  for (const old of await self.registration.getNotifications()) old.close();
}

/** A page got a message while nobody looked at it. */
async function notify({ tag, title, body, path }) {
  const open = await pages();
  if (open.some((page) => page.visibilityState === 'visible' && page.focused)) return;
  const { registration } = self;
  for (const old of await registration.getNotifications({ tag: PUSHED })) old.close();
  await registration.showNotification(title, {
    body,
    tag,
    renotify: true,
    dir: 'auto',
    icon: '/icons/icon-192.png',
    badge: '/icons/badge-96.png',
    data: { path },
  });
}

self.addEventListener('push', (event) => {
  event.waitUntil(
    (async () => {
      const open = await pages();
      // A page that is looked at shows the message itself, and browsers want no notification then.
      if (open.some((page) => page.visibilityState === 'visible' && page.focused)) return;
      await self.registration.showNotification('Diario', {
        body: await pushedWords(),
        tag: PUSHED,
        icon: '/icons/icon-192.png',
        badge: '/icons/badge-96.png',
        data: { path: '/' },
      });
    })(),
  );
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const path = event.notification.data?.path ?? '/';
  event.waitUntil(
    (async () => {
      const open = await pages();
      const page = open.find((one) => one.visibilityState === 'visible') ?? open[0];
      if (!page) {
        await self.clients.openWindow(path);
        return;
      }
      page.postMessage({ type: 'open', path });
      await page.focus();
    })(),
  );
});

self.addEventListener('pushsubscriptionchange', (event) => {
  event.waitUntil(
    (async () => {
      const options = event.oldSubscription?.options;
      if (!event.newSubscription && options) await self.registration.pushManager.subscribe(options);
      // The engine tells the server: that of an open page now, else that of the next one.
      for (const page of await pages()) page.postMessage({ type: 'subscription-changed' });
    })(),
  );
});

// broker: begin
// A page that does not lead sends a port; it is handed on to the page that does. Nobody but the leader gets it, and
// nothing is kept here: a service worker may be stopped at any moment.

/** How long the pages have to say whether they lead, in milliseconds. */
const LEADER_ANSWERS_MS = 1500;

/** The page that leads, if one says so. */
async function findLeader() {
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const answers = pages.map(
    (page) =>
      new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => resolve(page);
        page.postMessage({ type: 'leader?' }, [port2]);
      }),
  );
  const late = new Promise((resolve) => setTimeout(resolve, LEADER_ANSWERS_MS));
  return Promise.race([...answers, late]);
}

/** Hands a page's port on to the leader; the page tries again if there is none. */
async function broker({ page, port }) {
  const leader = await findLeader();
  if (leader) {
    leader.postMessage({ type: 'port', page, port }, [port]);
  } else {
    port.close();
  }
}

self.addEventListener('message', (event) => {
  if (event.data?.type === 'leader' && event.data.port) {
    event.waitUntil(broker(event.data));
  }
});
// broker: end
