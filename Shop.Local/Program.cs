Console.WriteLine("usage: shop VERB");
