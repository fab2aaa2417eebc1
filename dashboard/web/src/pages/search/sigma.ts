/** Whether what stands in the search box is a Sigma rule rather than a query. */
export const isSigma = (text: string): boolean => /^(?:detection|correlation):/m.test(text) && /^(?:title|logsource):/m.test(text);
