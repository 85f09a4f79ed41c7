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
