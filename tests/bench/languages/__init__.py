"""What a multilingual model hears of each language, told which one it is and left to find out."""
