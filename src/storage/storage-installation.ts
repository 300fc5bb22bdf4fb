/** Facts that belong to no tenant. */
export interface InstallationFacts {
  /** Stores `value` under `name` unless there is one; resolves to the value that is stored now. */
  putIfAbsent(name: string, value: string): Promise<string>;
}
