import { type AppError, isAppError } from '../errors.ts';

/** The cause of an error that means: another process uses the store, and must be stopped first. */
export class StoreInUse extends Error {
  override readonly name = 'StoreInUse';
}

export const isStoreInUse = (error: unknown): error is AppError & { readonly cause: StoreInUse } =>
  isAppError(error, 'unavailable') && error.cause instanceof StoreInUse;
