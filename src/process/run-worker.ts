import { randomInt } from 'node:crypto';
import { explainFailure } from './explain-failure.ts';
import type { PrimaryMessage, WorkerMessage } from './messages.ts';
import { type ServeParts, serve } from './serve.ts';
import type { StopRequest } from './stop-signals.ts';

/**
 * One of several processes that share the port. It stops when the primary sends the message, and Node ends it when the
 * primary has died. A signal may reach the whole process group, so a second signal does not end a worker at once: the
 * primary kills it.
 */
export const runWorker = async (parts: ServeParts): Promise<number> => {
  let reload = (): void => {};
  const alsoStoppedBy = new Promise<StopRequest>((resolve) => {
    process.on('message', (message: PrimaryMessage) => {
      if (message.type === 'reload') reload();
      if (message.type === 'stop') resolve({ exitCode: 0, isAlone: message.isAlone });
    });
  });
  try {
    return await serve({
      ...parts,
      role: 'worker',
      askForNumbers,
      alsoStoppedBy,
      onListening: (banner) => void sendToPrimary({ type: 'listening', banner }),
      onReloadable: (take) => {
        reload = take;
      },
      abandon: () => {},
    });
  } catch (error) {
    await sendToPrimary({ type: 'failed', text: explainFailure(error) });
    return 1;
  }
};

/** @throws Error when the primary could not collect them */
const askForNumbers = (): Promise<string> =>
  new Promise((resolve, reject) => {
    const id = randomInt(2 ** 32);
    const take = (message: PrimaryMessage): void => {
      if (message.type !== 'numbers' || message.id !== id) return;
      process.off('message', take);
      if (message.text === undefined) reject(new Error('a worker did not answer'));
      else resolve(message.text);
    };
    process.on('message', take);
    void sendToPrimary({ type: 'numbers', id });
  });

const sendToPrimary = (message: WorkerMessage): Promise<void> =>
  new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    process.send(message, () => resolve());
  });
