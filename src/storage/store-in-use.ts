import { AppError, type AppErrorOptions } from '../errors.ts';

/** Another process uses the store, and must be stopped first. */
export class StoreInUse extends AppError {
  constructor(message: string, options: Pick<AppErrorOptions, 'cause'> = {}) {
    super('unavailable', message, options);
  }
}
