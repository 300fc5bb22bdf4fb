import { AppError } from '../errors.ts';

/** Of a compare-and-set. A caller loses only to one that has changed the account, so this many are never lost in a row by chance. */
export const mostAttempts = 25;

export const changedByOthers = (): AppError =>
  new AppError('unavailable', 'The account is being changed by others at the moment', {
    retryAfterSeconds: 1,
  });
