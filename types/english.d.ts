/** The English texts, which `log_card` makes of the translations. */
declare module "*/english.js" {
  export const ENGLISH: Record<string, string>;
}
