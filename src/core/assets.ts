/** Texts that are handed out as they are, and do not travel with the program: the document of the API, the dashboard's style and module. */

/** `name`: a path below the folder `assets`. Undefined where there is no such text here, or it could not be read just now. */
export type ReadAsset = (name: string) => Promise<string | undefined>;
