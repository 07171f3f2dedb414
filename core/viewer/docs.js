SwaggerUIBundle({
  url: new URL("openapi.json", document.baseURI).href,
  dom_id: "#docs",
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  operationsSorter: "alpha",
  tagsSorter: "alpha",
  persistAuthorization: false, // a token is forgotten with the page
  validatorUrl: null, // and nothing is told to anybody else
});
