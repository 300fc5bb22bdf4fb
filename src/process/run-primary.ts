import { definedOnly } from '../defined-only.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { openStore } from '../server/open-store.ts';
import type { ServeParts } from './serve.ts';
import { listenForStop, type StopRequest } from './stop-signals.ts';
import { openWorkerSlots, type WorkerSlots } from './worker-slots.ts';

/** Added to the drain times, for closing the store. */
const closingMs = 5000;

/**
 * The process above several workers: it owns the store's lock, makes the master key, sweeps, and replaces workers
 * that die. Resolves to the exit code.
 * @throws AppError when the store cannot be opened, or no worker can begin
 */
export const runPrimary = async (parts: ServeParts): Promise<number> => {
  const { settings, clock, log } = parts;
  let slots: WorkerSlots | undefined;
  const { first } = listenForStop({
    log,
    reload: () => slots?.send({ type: 'reload' }),
    abandon: () => {
      slots?.killAll();
      process.exit(1);
    },
  });
  const store = await openStore({ settings, clock, log, role: 'server' });
  try {
    const collectNumbers = lazyNumbers(log);
    let hasListened = false;
    const cannotBegin = new Promise<AppError>((resolve) => {
      slots = openWorkerSlots({
        count: settings.server.workers,
        log,
        onMessage: (message, answer) => {
          if (message.type === 'failed') {
            log.error({ reason: message.text }, 'a worker cannot begin');
            if (!hasListened) resolve(new AppError('unavailable', message.text));
          } else if (message.type === 'numbers') {
            void collectNumbers().then((text) => answer({ ...message, ...definedOnly({ text }) }));
          } else if (message.type === 'listening' && !hasListened) {
            hasListened = true;
            parts.showBanner(message.banner);
          }
        },
      });
    });
    const end = await Promise.race([first, cannotBegin]);
    const isFailure = end instanceof AppError;
    await stopWorkers(slots, { settings, isAlone: isFailure || end.isAlone });
    if (isFailure) throw end;
    return end.exitCode;
  } finally {
    await store.close();
  }
};

/** Resolves to undefined when a worker does not answer. */
const lazyNumbers = (log: Log): (() => Promise<string | undefined>) => {
  let collector: Promise<() => Promise<string>> | undefined;
  return async () => {
    collector ??= import('../server/metrics/numbers-text.ts').then((numbers) =>
      numbers.createNumbersCollector(),
    );
    try {
      return await (await collector)();
    } catch (err) {
      log.warn({ err }, 'a worker did not tell its numbers');
      return undefined;
    }
  };
};

const stopWorkers = async (
  slots: WorkerSlots | undefined,
  { settings, isAlone }: Pick<ServeParts, 'settings'> & Pick<StopRequest, 'isAlone'>,
): Promise<void> => {
  slots?.send({ type: 'stop', isAlone });
  const { drainDelayMs, drainTimeoutMs } = settings.server;
  const timer = setTimeout(() => slots?.killAll(), drainDelayMs + drainTimeoutMs + closingMs);
  await slots?.ended();
  clearTimeout(timer);
};
