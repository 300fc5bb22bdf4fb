import { Mongoose } from 'mongoose';
import { unavailable } from './errors.ts';
import { connectionLimits } from './limits.ts';

/**
 * The time of the primary's clock, in epoch milliseconds.
 * @throws AppError('unavailable') when no primary answers
 */
export const readServerTime = async (url: string): Promise<number> => {
  const connection = new Mongoose().createConnection(url, { ...connectionLimits, maxPoolSize: 1 });
  try {
    await connection.asPromise();
    const hello = await connection.getClient().db().command({ hello: 1 });
    return (hello.localTime as Date).getTime(); // a field that every hello has
  } catch (cause) {
    throw unavailable(cause);
  } finally {
    await connection.close();
  }
};
