import { type BerReader, Control } from 'ldapts';

/**
 * The control that a directory adds to its answer about a password (draft-behera-ldap-password-policy, section 6.2).
 */
export type PolicyError =
  | 'passwordExpired'
  | 'accountLocked'
  | 'changeAfterReset'
  | 'passwordModNotAllowed'
  | 'mustSupplyOldPassword'
  | 'insufficientPasswordQuality'
  | 'passwordTooShort'
  | 'passwordTooYoung'
  | 'passwordInHistory';

const errors: readonly PolicyError[] = [
  'passwordExpired',
  'accountLocked',
  'changeAfterReset',
  'passwordModNotAllowed',
  'mustSupplyOldPassword',
  'insufficientPasswordQuality',
  'passwordTooShort',
  'passwordTooYoung',
  'passwordInHistory',
];

const tags = { sequence: 0x30, warning: 0xa0, error: 0x81 } as const;

/**
 * Asks for the control, and receives the answer of one request. ldapts passes the value of a control in the answer only
 * to the control of the same type in the request.
 */
export class PasswordPolicyControl extends Control {
  error: PolicyError | undefined;

  constructor() {
    super('1.3.6.1.4.1.42.2.27.8.5.1');
  }

  override parseControl(reader: BerReader): void {
    if (reader.readSequence(tags.sequence) === null) return;
    if (reader.peek() === tags.warning) reader.readString(tags.warning, true);
    if (reader.peek() !== tags.error) return;
    const [code] = reader.readString(tags.error, true) ?? [];
    this.error = code === undefined ? undefined : errors[code];
  }
}
