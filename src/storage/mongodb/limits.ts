import { AppError } from '../../errors.ts';
import { isDuplicateId, toStoreError } from './errors.ts';

/** A caller waits this long for the store in all; the limits below end running operations a little earlier. */
const callLimitMs = 2400;
export const commandLimitMs = 2000;

export const connectionLimits = {
  serverSelectionTimeoutMS: 1800,
  connectTimeoutMS: 1800,
  socketTimeoutMS: 2300,
  waitQueueTimeoutMS: 1800,
} as const;

/** Set on every operation, so that no default of the deployment can weaken it. */
export const writeConcern = { w: 'majority', j: true, wtimeoutMS: commandLimitMs } as const;
export const writing = { writeConcern, maxTimeMS: commandLimitMs } as const;
export const reading = {
  readConcern: { level: 'majority' },
  readPreference: 'primary',
  maxTimeMS: commandLimitMs,
} as const;

/** Runs one call of the port: bounded in time, and with its errors as errors of the port. */
export const call = async <T>(run: () => Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new AppError('unavailable', 'The store is too slow', { retryAfterSeconds: 1 }));
    }, callLimitMs);
  });
  try {
    return await Promise.race([run(), late]);
  } catch (error) {
    throw toStoreError(error);
  } finally {
    clearTimeout(timer);
  }
};

const attempts = 4;

/**
 * Two upserts of one absent `_id` may both try to insert; the server refuses the second, which then finds the
 * document of the first.
 */
export const retryUpsert = async <T>(run: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (attempt === attempts || !isDuplicateId(error)) throw error;
    }
  }
};
