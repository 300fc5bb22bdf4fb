export type PartName = 'mongod' | 'slapd' | 'samba' | 'chromium' | 'nginx' | 'caddy';
export declare const partNames: readonly PartName[];
export declare const findPart: (name: PartName) => string | undefined;
export declare const adviceFor: (name: PartName) => string;
export declare const ensureParts: () => Record<PartName, string | undefined>;
