import { z } from 'zod';
import { durationSeconds, wholeNumber } from '../parsing/field-types.ts';

const allowance = (attempts: number, window: string, description: string) =>
  z
    .strictObject({
      attempts: wholeNumber({ min: 1, max: 1_000_000 }).default(attempts),
      window: durationSeconds({ min: 1, max: 86_400 }).prefault(window),
    })
    .prefault({})
    .meta({ description });

/** `throttle` of a tenant's file. */
export const throttleSchema = z.strictObject({
  account: allowance(10, '15m', 'Failed sign-ins per user name and per account.'),
  address: allowance(100, '15m', 'Failed sign-ins per IP address.'),
  startAddress: allowance(
    6000,
    '1m',
    'Sign-ins and forms begun by browsers without a session, and requests pushed by public clients, per IP address.',
  ),
  userCodeSession: allowance(10, '1m', 'User codes entered in one browser session or by one user.'),
  userCodeAddress: allowance(
    30,
    '1m',
    'User codes entered from one IP address; separately, device codes issued to it.',
  ),
  userCodeTenant: allowance(
    100,
    '1m',
    'User codes entered in the whole tenant by browsers in which nobody is signed in.',
  ),
});
