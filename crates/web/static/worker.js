// Start script of the worker that holds the engine.
import init from '{{worker.js}}';

// What comes before the module runs is kept and given to it in the order in which it came.
const early = [];
const keep = (event) => early.push(event);
self.addEventListener('message', keep);

try {
  await init({ module_or_path: '{{worker.wasm}}' });
  self.removeEventListener('message', keep);
  for (const { data } of early) {
    self.dispatchEvent(new MessageEvent('message', { data }));
  }
} catch (error) {
  self.postMessage({ type: 'failed', why: `the engine could not be started: ${error}` });
}
