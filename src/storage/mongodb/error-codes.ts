/** Names and numbers are those of MongoDB's `src/mongo/base/error_codes.yml`. */
type ErrorCodes = Readonly<Record<string, number>>;

export const duplicateKey = 11000;

/** The primary stepped down or shuts down: another try finds the new one. */
const primaryChanged: ErrorCodes = {
  ShutdownInProgress: 91,
  PrimarySteppedDown: 189,
  NotWritablePrimary: 10107,
  InterruptedAtShutdown: 11600,
  InterruptedDueToReplStateChange: 11602,
  NotPrimaryNoSecondaryOk: 13435,
  NotPrimaryOrSecondary: 13436,
};

/** The server answers, but cannot serve now. */
const cannotServe: ErrorCodes = {
  ...primaryChanged,
  LegacyNotPrimary: 10058, // no longer in error_codes.yml; the drivers still list it

  HostUnreachable: 6,
  HostNotFound: 7,
  NetworkTimeout: 89,
  NetworkInterfaceExceededTimeLimit: 202,
  ConnectionPoolExpired: 317,
  SocketException: 9001,

  LockTimeout: 24,
  MaxTimeMSExpired: 50,
  ExceededTimeLimit: 262,
  TransactionExceededLifetimeLimitSeconds: 290,

  WriteConcernTimeout: 64, // WriteConcernFailed before MongoDB 8.1
  UnsatisfiableWriteConcern: 100,
  FailedToSatisfyReadPreference: 133,
  ReadConcernMajorityNotAvailableYet: 134,

  // routers that do not know yet of a change of the shards
  StaleShardVersion: 63,
  StaleEpoch: 150,
  StaleConfig: 13388,

  Interrupted: 11601,
  ClientMarkedKilled: 46841,
  WriteConflict: 112,
  RetryChangeStream: 234,
  ObjectIsBusy: 314,
  InternalTransactionNotSupported: 358,

  Unauthorized: 13,
  AuthenticationFailed: 18,
  OutOfDiskSpace: 14031,
  UnknownError: 8,
};

export const primaryChangedCodes: ReadonlySet<number> = new Set(Object.values(primaryChanged));
export const cannotServeCodes: ReadonlySet<number> = new Set(Object.values(cannotServe));
