import { createHook } from 'node:async_hooks';

/** Counts the Argon2 hashes that this process computes, whoever asks for them: each is a job of the library's worker. */
export const openHashCount = (): { readonly count: () => number; readonly close: () => void } => {
  let computed = 0;
  const hook = createHook({
    init: (_id, type) => {
      if (type === 'argon2:HashWorker') computed += 1;
    },
  }).enable();
  return { count: () => computed, close: () => void hook.disable() };
};
